import type { AgentDocument } from "../policies/document.js";
import type { Reads } from "./reads.js";

/** A plan that was asked for once, kept as what is put before the program. */
export interface KeptPlan {
  /** `data`, as JSON. */
  json: string;
  reads: Reads;
  /** Where it stands in the program's memory, as long as that is the one of this number. */
  address: number;
  memory: number;
}

/** Of one document. Actions may be named by agents, so one of them must not push out the plans of others. */
const mostOfDocument = 64;
/** Characters of all that are kept, in two halves. */
const mostOfHalf = 32 * 1024 * 1024;

type Half = WeakMap<AgentDocument, Map<string, KeptPlan>>;

/** Plans by document, as long as the document is in force, and by tool and action. Those not used for long make room. */
export class Plans {
  #young: Half = new WeakMap();
  #old: Half = new WeakMap();
  #size = 0;

  get(document: AgentDocument, key: string): KeptPlan | undefined {
    const young = this.#young.get(document)?.get(key);
    if (young) return young;
    const old = this.#old.get(document)?.get(key);
    if (old) this.set(document, key, old);
    return old;
  }

  set(document: AgentDocument, key: string, plan: KeptPlan): void {
    if (this.#size > mostOfHalf) {
      this.#old = this.#young;
      this.#young = new WeakMap();
      this.#size = 0;
    }
    let plans = this.#young.get(document);
    if (!plans || plans.size >= mostOfDocument) {
      plans = new Map();
      this.#young.set(document, plans);
    }
    plans.set(key, plan);
    this.#size += plan.json.length;
  }
}
