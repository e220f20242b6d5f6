import type { Reason } from "./reasons.js";
import type { Mode, Sanitize, Verdict, Violation } from "./verdict.js";

/** What the policies say of a call. */
export interface View {
  verdict: Verdict;
  reason: Reason;
  violations: readonly Violation[];
  /** In the order of the policies; only of a `sanitize`. */
  sanitize: readonly Sanitize[];
}

/** How an approval has to be given, where policies say more than the configuration. */
export interface ApprovalTerms {
  /**
   * Each member is one policy's list of groups (`people.yaml`): who answers must be in at least one group of every list.
   * Empty = any approver.
   */
  approvers: readonly (readonly string[])[];
  /** Distinct people that have to approve, >= 1. */
  quorum: number;
  /** Milliseconds; absent = the configuration's `approvals.expires_in`. */
  expiresInMs?: number;
  /**
   * Who may answer too once the approval has waited so long: `approvers`, each list with the groups that its policy adds.
   * `to` are the groups that are told.
   */
  escalation?: Escalation;
  /** Milliseconds for which the call waits for the answer before the agent is told; absent = not at all. */
  holdMs?: number;
}

export interface Escalation {
  afterMs: number;
  to: readonly string[];
  approvers: readonly (readonly string[])[];
}

/** One complete answer to a call. */
export interface Answer extends View {
  /** For the agent; holds nothing internal. */
  detail: string;
  /** Only of an `approval_needed`. */
  approval?: { id: string; expiresAtMs: number };
  /** Only of a limit. */
  limit?: Limit;
  /** What is left of the limits that the call met; only of a call that was let through. */
  standings?: readonly LimitStanding[];
}

/** A limit that refused a call: how much it permits in which time, and when it may permit the next one. */
export interface Limit {
  policy: LimitPolicy | "pending-approvals";
  quota: number;
  /** `null` where it is as long as the session. */
  windowSeconds: number | null;
  retryAfterMs: number;
}

export type LimitPolicy = "rate" | "tool-rate" | "daily-budget" | "session-budget";

/** What is left of one limit: whole calls, or whole units of a budget. */
export interface LimitStanding {
  policy: LimitPolicy;
  quota: number;
  windowSeconds: number | null;
  left: number;
  /** Until all of it is there again, if nothing more is taken. */
  resetSeconds: number;
}

/** What was found about a call, and what is done about it. They differ in shadow and in a dry run. */
export interface Outcome {
  computed: Answer;
  enforced: Answer;
  mode: Mode;
}
