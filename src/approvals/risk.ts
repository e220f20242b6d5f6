import type { Integrity } from "../session.js";

/** What makes a call risky, for who decides about it: as it is now, not as it was when the approval was opened. */
export interface Risk {
  /** Rules that ask for the approval, in their order. */
  rules: string[];
  environment: string | null;
  /** What it takes from budgets, in the budget's unit. */
  cost: number;
  /** `null` when nothing is remembered of the session. */
  session: {
    id: string;
    integrity: Integrity;
    anomalies: number;
    data_classification: string[];
    calls: number;
    refused: number;
  } | null;
  /** Of the agent's newest approvals, at most 100, this one left out. */
  history: {
    looked: number;
    approved: number;
    denied: number;
    expired: number;
    pending: number;
    same_action: SameAction;
  };
}

/** Of those approvals, the ones about the same tool, action and environment. */
export interface SameAction {
  approved: number;
  denied: number;
  /** When the newest of them was decided; RFC 3339 UTC. */
  last_at: string | null;
}
