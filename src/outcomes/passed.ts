import type { DecisionRecord } from "../audit/record.js";
import { RecentMap } from "../recent_map.js";
import { letsThrough } from "../verdict.js";
import { type Passed, type Waiting, WaitingCalls } from "./waiting.js";

export type { Passed } from "./waiting.js";

/** What is known of a call whose end was told; see `PassedDecisions.told`. */
export type ToldOf = Passed | "repeated" | "contradicted" | "unknown";

/** The decisions of this process that let a call through. */
export interface PassedDecisions {
  /** A decision is recorded. Only those that let a call through are kept. */
  recorded(decision: DecisionRecord): void;
  /**
   * This was told of the end of a call. Gives the decision, once; `repeated` when that was told before, `contradicted` the first
   * time that something else is told, and `unknown` when this process did not let the call through, or not within the last hour.
   */
  told(decisionId: string, end: string): ToldOf;
}

/** Calls that wait for their outcome, and ids whose outcome was told. One that waits takes some 60 bytes, in a ring of as many. */
const most = 50_000;
/** After so long an outcome has been lost. */
const waitsMs = 3_600_000;

export function passedDecisions(now: () => number, size = most): PassedDecisions {
  const waiting = new WaitingCalls(size);
  const told = new RecentMap<string, Told>(size);
  // Ids that nobody here knows have a place of their own, so that those who invent some push out no other.
  const strange = new RecentMap<string, Told>(size);
  return {
    recorded(decision) {
      if (letsThrough(decision.enforced)) waiting.add(decision, now() + waitsMs);
    },
    told(id, end) {
      const before = told.get(id) ?? strange.get(id);
      if (before) {
        if (before.contradicted || before.end === end) return "repeated";
        before.contradicted = true;
        return "contradicted";
      }
      const found = waiting.take(id);
      const isKnown = found !== null && now() <= found.untilMs;
      (isKnown ? told : strange).set(id, { end, contradicted: false });
      return isKnown ? passedOf(id, found) : "unknown";
    },
  };
}

/** What was told of the end of a call. */
interface Told {
  end: string;
  /** Something else was told as well. */
  contradicted: boolean;
}

function passedOf(decision_id: string, { subject }: Waiting): Passed {
  return { decision_id, ...subject };
}
