import type { AuditSink, DecisionRecord, OutcomeRecord } from "../audit/record.js";
import { RecentMap } from "../store/recent_map.js";
import { letsThrough } from "../verdict.js";

/** What the record of an outcome takes from the record of its decision, where it was masked. */
export type Passed = Pick<
  OutcomeRecord,
  "decision_id" | "deployment_id" | "session_id" | "agent_id" | "tool" | "action" | "environment" | "service"
>;

/** The decisions of this process that let a call through. */
export interface PassedDecisions {
  /** The same sink, watched for such decisions. */
  watch(sink: AuditSink): AuditSink;
  /**
   * The outcome of this decision was told. Gives the decision, once; `repeated` when it was told before, and `unknown` when
   * this process did not let the call through, or not within the last hour.
   */
  told(decisionId: string): Passed | "repeated" | "unknown";
}

/** Calls that wait for their outcome, and ids whose outcome was told. One that waits takes some 500 bytes. */
const most = 50_000;
/** After so long an outcome has been lost. */
const waitsMs = 3_600_000;

export function passedDecisions(now: () => number, size = most): PassedDecisions {
  const waiting = new RecentMap<string, { passed: Passed; untilMs: number }>(size);
  const told = new RecentMap<string, true>(size);
  // Ids that nobody here knows have a place of their own, so that those who invent some push out no other.
  const strange = new RecentMap<string, true>(size);
  return {
    watch: (sink) => ({
      async append(draft) {
        await sink.append(draft);
        if (draft.kind !== "decision" || !letsThrough(draft.enforced)) return;
        waiting.set(draft.decision_id, { passed: passedOf(draft), untilMs: now() + waitsMs });
      },
      trouble: () => sink.trouble(),
      close: () => sink.close(),
    }),
    told(id) {
      if (told.get(id) || strange.get(id)) return "repeated";
      const found = waiting.get(id);
      waiting.delete(id);
      const isKnown = found !== undefined && now() <= found.untilMs;
      (isKnown ? told : strange).set(id, true);
      return isKnown ? found.passed : "unknown";
    },
  };
}

function passedOf(decision: DecisionRecord): Passed {
  const { decision_id, deployment_id, session_id, agent_id, tool, action, environment, service } = decision;
  return { decision_id, deployment_id, session_id, agent_id, tool, action, environment, service };
}
