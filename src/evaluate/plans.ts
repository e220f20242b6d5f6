import type { AgentDocument } from "../policies/document.js";
import type { Named } from "./plan.js";
import type { Reads } from "./reads.js";
import type { Placed, Shortcut } from "./shortcuts.js";

/** A plan that was asked for once, kept as what is put before the program for a call that the shortcut does not let through. */
export interface KeptPlan extends Placed {
  /** `data`, as JSON. */
  json: string;
  reads: Reads;
  /** What is asked first; `null` where no call can pass by it. */
  shortcut: Shortcut | null;
}

/** Of one document. Actions may be named by agents, so one of them must not push out the plans of others. */
const mostOfDocument = 64;
/** Characters of all that are kept, in two halves. */
const mostOfHalf = 32 * 1024 * 1024;

/** By tool, then by action. A text of both would have to be made, and hashed, for every call. */
type ByName = Map<string | null, Map<string | null, KeptPlan>>;

interface OfDocument {
  matched: ByName;
  unmatched: ByName;
  count: number;
}

type Half = WeakMap<AgentDocument, OfDocument>;

/** Plans by document, as long as the document is in force, and by tool and action. Those not used for long make room. */
export class Plans {
  #young: Half = new WeakMap();
  #old: Half = new WeakMap();
  #size = 0;

  get(document: AgentDocument, named: Named): KeptPlan | undefined {
    const young = found(this.#young.get(document), named);
    if (young) return young;
    const old = found(this.#old.get(document), named);
    if (old) this.set(document, named, old);
    return old;
  }

  set(document: AgentDocument, { tool, action, unmatched }: Named, plan: KeptPlan): void {
    if (this.#size > mostOfHalf) {
      this.#old = this.#young;
      this.#young = new WeakMap();
      this.#size = 0;
    }
    let plans = this.#young.get(document);
    if (!plans || plans.count >= mostOfDocument) {
      plans = { matched: new Map(), unmatched: new Map(), count: 0 };
      this.#young.set(document, plans);
    }
    const byTool = unmatched ? plans.unmatched : plans.matched;
    let byAction = byTool.get(tool);
    if (!byAction) {
      byAction = new Map();
      byTool.set(tool, byAction);
    }
    byAction.set(action, plan);
    plans.count += 1;
    this.#size += plan.json.length;
  }
}

function found(plans: OfDocument | undefined, { tool, action, unmatched }: Named): KeptPlan | undefined {
  if (plans === undefined) return undefined;
  return (unmatched ? plans.unmatched : plans.matched).get(tool)?.get(action);
}
