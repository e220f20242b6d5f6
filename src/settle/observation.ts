import type { Call, Session } from "../call.js";
import { type RefusalReason, refusalOf } from "../reasons.js";
import { type Indicator, indicators, type OutsideAttestation } from "../session.js";
import { factsOf } from "../sessions/who.js";
import type { Observation } from "../store/store.js";
import type { Verdict } from "../verdict.js";

/** How sessions are remembered; of the configuration. */
export interface SessionTerms {
  ttlMs: number;
  learningMs: number;
  burst: { refusals: number; withinMs: number };
}

/** What there is to remember of a call. */
export interface Seen {
  session: Session;
  /** `null` when it was refused before it was understood. */
  call: Call | null;
  indicators: readonly Indicator[];
  outside: OutsideAttestation | null;
  tags: readonly string[];
  terms: SessionTerms;
}

/** Longest detail of an anomaly, in code points. */
const longestDetail = 256;

/** What the session is to remember of a call that was answered so. */
export function observationOf(seen: Seen, answer: { verdict: Verdict; reason: string }): Observation {
  const { session, call, terms, outside } = seen;
  const outcome = outcomeOf(answer);
  const refusal = outcome === "refused" ? answer.reason : null;
  const telling = isIndicator(answer.reason) ? answer.reason : undefined;
  return {
    session: session.id,
    bound: session.bound,
    known: factsOf(session),
    // Member by member: to spread it would cost more than all the rest.
    ttlMs: terms.ttlMs,
    learningMs: terms.learningMs,
    burst: terms.burst,
    outcome,
    refusal,
    detail: detailOf(call?.tool ?? "?", call?.action ?? "?"),
    tool: call?.tool ?? null,
    classification: call?.classification ?? [],
    tags: seen.tags,
    indicators:
      telling === undefined && seen.indicators.length < 2 ? seen.indicators : distinct(seen.indicators, telling),
    outside: outside && {
      signedAtMs: outside.signedAtMs,
      classification: outside.classification,
      integrity: outside.integrity,
      anomalies: outside.anomalies,
    },
  };
}

function isIndicator(reason: string): reason is Indicator {
  return (indicators as readonly string[]).includes(reason);
}

function distinct(found: readonly Indicator[], telling: Indicator | undefined): Indicator[] {
  return [...new Set(telling === undefined ? found : [...found, telling])];
}

/** Calls of many agents do the same: each text anew would be looked through and compared by everybody who gets it. */
let last = { tool: "?", action: "?", detail: "?:?" };

function detailOf(tool: string, action: string): string {
  if (last.tool !== tool || last.action !== action) last = { tool, action, detail: cut(`${tool}:${action}`) };
  return last.detail;
}

/** Never between the two halves of a character, since one half is no text. */
function cut(text: string): string {
  if (text.length <= longestDetail) return text;
  return [...text.slice(0, 2 * longestDetail)].slice(0, longestDetail).join("");
}

/** What kept us from deciding is neither a refusal of the agent's nor a call that passed. */
function outcomeOf({ verdict, reason }: { verdict: Verdict; reason: string }): Observation["outcome"] {
  if (verdict === "approval_needed") return "asked";
  if (verdict !== "deny") return "passed";
  return refusalOf(reason as RefusalReason).error === "Unavailable" ? "asked" : "refused";
}
