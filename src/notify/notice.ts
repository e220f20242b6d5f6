import type { Risk } from "../approvals/risk.js";
import type { ApprovalView } from "../approvals/view.js";
import type { BudgetWarning } from "../store/store.js";

/** Something that happened of which people may want to know. What is told of it is found out when it is told. */
export type Happening =
  /** `closed`: approved, denied, revoked, expired or used. */
  | { kind: "approval.opened" | "approval.escalated" | "approval.closed"; id: string; agent: string }
  | ({ kind: "budget.warning" } & BudgetHappening)
  /** The store knew less of the agent's counters than this process did: a flush, or a fail-over to an older copy. */
  | { kind: "counters.lost"; agent: string };

interface BudgetHappening extends BudgetWarning {
  agent: string;
  session: string;
}

export type HappeningKind = Happening["kind"];

/** What people are told of an approval. */
export interface ApprovalNotice {
  kind: "approval.opened" | "approval.escalated" | "approval.closed";
  approval: ApprovalView;
  risk: Risk;
  /** Address of the page where it is answered. */
  url: string;
}

/** What people are told. Times are RFC 3339 UTC, money in the budget's unit. */
export type Notice =
  | ApprovalNotice
  | {
      kind: "budget.warning";
      /** When it happened. */
      at: string;
      agent_id: string;
      session_id: string;
      limit: BudgetWarning["limit"];
      mode: BudgetWarning["mode"];
      percent: BudgetWarning["percent"];
      refused: boolean;
      used: number;
      most: number;
    }
  | { kind: "counters.lost"; at: string; agent_id: string };
