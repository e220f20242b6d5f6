import type { Json } from "../call.js";
import { fromMicro } from "../money.js";
import type { Integrity } from "../session.js";
import { integrityOf } from "../sessions/integrity.js";
import type { Approval, ApprovalStatus, Store } from "../store/store.js";

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

/** How many of the agent's newest approvals are looked at. */
const historyLimit = 100;

/** As an outcome: an approval that was used had been approved. */
const outcomes = {
  pending: "pending",
  approved: "approved",
  consumed: "approved",
  denied: "denied",
  expired: "expired",
} as const satisfies Record<ApprovalStatus, string>;

/** The risk of a call that waits for people. Throws `StoreUnavailable`: what is not known must not look harmless. */
export async function riskOf(
  approval: Approval,
  { store }: { store: Pick<Store, "look" | "approvals"> },
): Promise<Risk> {
  const { agent } = approval;
  const [session, newest] = await Promise.all([
    sessionOf(approval, store),
    store.approvals({ agent, limit: historyLimit }),
  ]);
  return {
    rules: [...new Set(approval.violations.map(({ rule }) => rule))],
    environment: actionOf(approval).environment,
    cost: fromMicro(approval.costMicro),
    session,
    history: historyOf(
      approval,
      newest.filter(({ id }) => id !== approval.id),
    ),
  };
}

async function sessionOf({ agent, session: id }: Approval, store: Pick<Store, "look">): Promise<Risk["session"]> {
  const { session } = await store.look({ agent, session: id, tool: null, learningMs: 0, approval: null });
  if (session === null) return null;
  const { anomalies, classification, calls, refused } = session;
  const integrity = integrityOf(session);
  return { id, integrity, anomalies, data_classification: [...classification], calls, refused };
}

function historyOf(approval: Approval, others: readonly Approval[]): Risk["history"] {
  const count = (of: readonly Approval[], outcome: string) =>
    of.filter(({ status }) => outcomes[status] === outcome).length;
  const same = others.filter((other) => isSameAction(actionOf(other), actionOf(approval)));
  const decided = same.filter(({ status }) => outcomes[status] === "approved" || status === "denied");
  const times = decided.flatMap(({ answers }) => answers.slice(-1)).map(({ at }) => at);
  return {
    looked: others.length,
    approved: count(others, "approved"),
    denied: count(others, "denied"),
    expired: count(others, "expired"),
    pending: count(others, "pending"),
    same_action: {
      approved: count(same, "approved"),
      denied: count(same, "denied"),
      // They are all of one form and in UTC, so their order as texts is that of time.
      last_at: times.sort().at(-1) ?? null,
    },
  };
}

interface Action {
  tool: string | null;
  action: string | null;
  environment: string | null;
}

/** As people are shown it. */
function actionOf({ call }: Pick<Approval, "call">): Action {
  const said = (typeof call === "object" && call !== null ? call : {}) as { [name: string]: Json };
  const text = (name: string) => (typeof said[name] === "string" ? said[name] : null);
  return { tool: text("tool"), action: text("action"), environment: text("environment") };
}

function isSameAction(a: Action, b: Action): boolean {
  return a.tool === b.tool && a.action === b.action && a.environment === b.environment;
}
