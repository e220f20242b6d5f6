import type {
  ApprovalAnswer,
  ApprovalDraft,
  Charge,
  KnownCounters,
  SettleRequest,
  SettleResult,
  Store,
} from "../../src/store/store.js";

/** A store under test, and the means to let its time pass. */
export interface Subject {
  store: Store;
  /** Lets time pass, for one agent at least. */
  advance(agent: string, ms: number): Promise<void>;
  /** Makes sure that only `advance` by whole days turns the budget's day, for a day of advances less than that. */
  startOfDay(): Promise<void>;
  /** Real time that may have passed between calls without `advance`; 0 with a clock that stands still. */
  driftMs(): number;
}

let counter = 0;

/** A name that no other test uses. */
export function unique(kind: string): string {
  counter += 1;
  return `${kind}-${String(counter).padStart(6, "0")}`;
}

export function callOf(agent: string, enforced: Charge, more: Partial<SettleRequest> = {}): SettleRequest {
  return { agent, key: unique("key"), enforced, approval: { kind: "none" }, ...more };
}

/** What a process knows that was told a result. */
export function knownOf({ counters }: SettleResult): KnownCounters {
  if (!counters) throw new Error("a call that was charged has counters");
  const { nowMs, toolTatUs, ...known } = counters;
  return { ...known, sessionLostAtMs: counters.lostAtMs };
}

export function draftOf(agent: string, more: Partial<ApprovalDraft> = {}): ApprovalDraft {
  return {
    id: unique("apr"),
    agent,
    session: "session-1",
    fingerprint: unique("fp"),
    call: { tool: "deploy-api", params: { replicas: 3, image: "käse/☃:1", nested: [null, true, { __proto__x: 1.5 }] } },
    reason: "approval_needed",
    violations: [{ rule: "allowed_environments", limit: ["staging"], actual: "production", message: "not here" }],
    requestedBy: { agent, initiated_by: "alice@example.com" },
    policyVersion: "sha256:00",
    decisionId: "01J0000000000000000000000",
    deploymentId: "dep-1",
    quorum: 1,
    approvers: [["sre"], ["leads", "käse ☃"]],
    escalation: { afterMs: 60_000, to: ["käse ☃"], approvers: [["sre", "käse ☃"]] },
    costMicro: 2_500_000,
    expiresInMs: 900_000,
    openedAt: "2030-01-01T00:00:00.000Z",
    opening: "opening-of-approval",
    ...more,
  };
}

export function answerOf(approver: string, decision: "approve" | "deny", comment?: string): ApprovalAnswer {
  return {
    approver,
    decision,
    ...(comment === undefined ? {} : { comment }),
    at: "2030-01-01T00:00:00.000Z",
    proof: `proof-of-${approver}`,
  };
}

export async function open(
  store: Store,
  draft: ApprovalDraft,
  enforced: Charge = {},
  maxPending = 1000,
): Promise<SettleResult> {
  return store.settle(callOf(draft.agent, enforced, { approval: { kind: "open", draft, maxPending } }));
}

export async function redeem(
  store: Store,
  { agent, id, fingerprint }: { agent: string; id: string; fingerprint: string },
  enforced: Charge = {},
): Promise<SettleResult> {
  return store.settle(callOf(agent, enforced, { approval: { kind: "redeem", id, fingerprint } }));
}
