import type { Mode, Verdict } from "../verdict.js";
import type { SlowStage } from "./stages.js";

/** What operators learn of one decision. Unknown values are `null`: a call can be refused before anything is known. */
export interface DecisionFacts {
  decisionId: string;
  agentId: string | null;
  sessionId: string | null;
  tool: string | null;
  action: string | null;
  environment: string | null;
  /** Where the call was to go, masked; `null` also for a call of no HTTP tool. */
  http: { method: string; host: string; port: number } | null;
  decision: Verdict;
  enforced: Verdict;
  reason: string;
  /** The rules that were found broken, those in shadow included. */
  rules: readonly string[];
  mode: Mode;
  policyVersion: string;
  latencyUs: number;
  /** Of the runtime's monotonic clock. */
  startedUs: number;
  slow: readonly SlowStage[];
  /** How much of the agent's daily budget is used up, of 1, and the UTC day since the epoch; `null` when there is none. */
  dailyBudget: { day: number; used: number } | null;
  /** Why a stage failed; for the log only. */
  failures: readonly unknown[];
}
