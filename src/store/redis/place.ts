import type { SessionFacts, SessionState } from "../../session.js";
import type { Charge, KnownCounters, Observation, SettleRequest } from "../store.js";
import type { Keys } from "./keys.js";
import { type PlainTerms, plainTerms } from "./plain_form.js";
import type { Script } from "./scripts.js";

/** What the server told of a session last, as it was written and as it was read. */
export interface Told {
  readonly written: Buffer;
  readonly own: SessionState;
  readonly unbound: SessionState | null;
}

/** Members of `PlainTerms`, and what they were made of. */
interface Terms extends PlainTerms {
  readonly enforced: Charge;
  readonly seen: Observation;
  /** Both, as they are sent. */
  readonly sent: string;
}

/** Of the idempotency key, in hex. */
const digestLength = 64;

/**
 * A session of an agent as the short way asks for it. What is the same for all its calls, and what is the same as for the
 * call before, is written once: nine tenths of what is sent.
 */
export class Place {
  /** The last one is to have the digest of the idempotency key behind it. */
  readonly keys: readonly string[];
  told: Told | null = null;
  readonly #head: string;
  #terms: Terms | null = null;

  constructor(
    readonly agent: string,
    readonly session: string,
    keys: Keys,
    script: Script,
  ) {
    this.keys = [
      keys.limits(agent),
      keys.session(agent, session),
      keys.session(agent, `open:${agent}`),
      keys.tools(agent),
      keys.unbound(agent),
      keys.settled(agent, "").slice(0, -digestLength),
    ];
    const [settled = "", ...others] = [...this.keys].reverse();
    const texts = ["evalsha", script.sha, String(script.arity), ...others.reverse()];
    // Keys are percent-encoded: as many bytes as characters.
    const written = texts.map((text) => `$${text.length}\r\n${text}\r\n`).join("");
    this.#head = `*${texts.length + 6}\r\n${written}$${settled.length + digestLength}\r\n${settled}`;
  }

  /** The whole command in RESP. */
  frame(digest: string, request: SettleRequest, seen: Observation): string {
    const { known } = request;
    const terms = this.#termsFor(request.enforced, seen).sent;
    if (!known) return `${this.#head}${digest}\r\n${terms}$2\r\n-1\r\n$1\r\n0\r\n$9\r\n[0,0,0,0]\r\n`;
    const n = String(known.charges);
    const until = String(known.keptUntilMs);
    const rest = restOf(known);
    return `${this.#head}${digest}\r\n${terms}$${n.length}\r\n${n}\r\n$${until.length}\r\n${until}\r\n$${rest.length}\r\n${rest}\r\n`;
  }

  /** The arguments of the script by themselves. */
  args({ enforced, known }: SettleRequest, seen: Observation): string[] {
    const { plain, below } = this.#termsFor(enforced, seen);
    if (!known) return [plain, below, "-1", "0", "[0,0,0,0]"];
    return [plain, below, String(known.charges), String(known.keptUntilMs), restOf(known)];
  }

  #termsFor(enforced: Charge, seen: Observation): Terms {
    const before = this.#terms;
    if (before !== null && isSameCharge(before.enforced, enforced) && isSameSight(before.seen, seen)) return before;
    const { plain, below } = plainTerms(enforced, seen);
    const sent = bulk(plain) + bulk(below);
    this.#terms = { plain, below, sent, enforced, seen };
    return this.#terms;
  }
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

function restOf({ tatUs, day, spentMicro, lostAtMs }: KnownCounters): string {
  return `[${tatUs ?? 0},${day},${spentMicro},${lostAtMs ?? 0}]`;
}

/** Of rate and budget, which is all that the short way knows. */
function isSameCharge(a: Charge, b: Charge): boolean {
  return (
    a.rate?.intervalUs === b.rate?.intervalUs &&
    a.rate?.burst === b.rate?.burst &&
    a.budget?.limitMicro === b.budget?.limitMicro &&
    a.budget?.costMicro === b.budget?.costMicro
  );
}

/** Of what `plainTerms` reads. */
function isSameSight(a: Observation, b: Observation): boolean {
  return (
    a.tool === b.tool &&
    a.detail === b.detail &&
    a.ttlMs === b.ttlMs &&
    a.learningMs === b.learningMs &&
    a.burst.refusals === b.burst.refusals &&
    a.burst.withinMs === b.burst.withinMs &&
    areSameFacts(a.known, b.known) &&
    areSameTexts(a.classification, b.classification)
  );
}

function areSameFacts(a: SessionFacts, b: SessionFacts): boolean {
  return (
    a === b ||
    (a.workflow_run_id === b.workflow_run_id &&
      a.initiated_by === b.initiated_by &&
      a.role === b.role &&
      a.clearance === b.clearance)
  );
}

function areSameTexts(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
