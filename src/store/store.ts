import type { Json } from "../call.js";
import type { Escalation } from "../outcome.js";
import type { Indicator, Integrity, SessionFacts, SessionState } from "../session.js";
import type { Violation } from "../verdict.js";
import type { SharedRegistry } from "./shared_registry.js";

/**
 * Counters and pending state that processes share. What is in here is state, not proof:
 * whoever can write to the store must still not be able to approve (see `ApprovalAnswer.proof`).
 *
 * Two implementations, `memory:` and Redis, pass one conformance suite. Every method either answers within the
 * configured wait or throws `StoreUnavailable`; nothing is queued for later. What ended so may still have happened: to
 * settle again with the same key tells. Requests that no store should see (empty names, inexact numbers) are a
 * `RangeError`.
 */
export interface Store {
  /** What the session did so far, and the approval that the call brings, in one round trip. */
  look(request: LookRequest): Promise<Look>;
  /** Limits, the opening or redeeming of an approval, and what the session remembers of the call, in one atomic step. */
  settle(request: SettleRequest): Promise<SettleResult>;
  /** Agents that have a session of this id, at most 100. Sessions of different agents are different ones. */
  sessionAgents(session: string): Promise<string[]>;
  /**
   * The approval, its status as of the store's clock, or `null` when it is unknown. With `agent`, `null` also when it is
   * another agent's: who knows the agent reads it in one round trip instead of two.
   */
  approval(id: string, agent?: string): Promise<Approval | null>;
  /**
   * At most `limit` (1 to 1000), newest first; looks at the `maxScanned` newest only, of the one agent or of all. Pending
   * ones come in the order in which they expire, however many others there are: the `maxScanned` that expire first are
   * looked at, and when they are more than `limit`, agents take turns, each with those of its own that expire first.
   * Approvals that cannot be read are left out and told to `onTrouble`.
   */
  approvals(filter: ApprovalFilter): Promise<Approval[]>;
  /** Adds one human answer. Races end in exactly one state. */
  answer(id: string, answer: ApprovalAnswer): Promise<AnswerResult>;
  /**
   * Notes something about an approval, once: of several that note the same name, the first one's value stays and is what
   * all of them get. `null` when there is no such approval. For what processes have to agree upon, such as who tells people.
   */
  mark(of: { id: string; agent: string }, name: string, value: string): Promise<Marked | null>;
  /** What was noted under a name; `null` when nothing was. */
  marked(of: { id: string; agent: string }, name: string): Promise<string | null>;
  /** True for the first who asks for this name within the time, on whatever process. */
  once(name: string, ttlMs: number): Promise<boolean>;
  /** The counters of an agent as they are. */
  usage(request: UsageRequest): Promise<Usage>;
  /** Resolves when the store can take a write; with an owner, when the part that has its keys answers. */
  ping(owner?: Owner): Promise<void>;
  /** Names the part of the store that has the keys of an owner. Each part can be away by itself. */
  partOf(owner: Owner): string;
  /** Agents, revoked tokens and tasks that processes share. */
  readonly registry: SharedRegistry;
  close(): Promise<void>;
  /** True when state survives this process and is shared with others. */
  readonly shared: boolean;
}

/** The store did not answer within the wait, or answered with an error. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** Whose keys: those of an agent, or of the registry (`null`). */
export type Owner = string | null;

/** GCRA parameters. `intervalUs` is the emission interval T in microseconds, `burst` >= 1 the calls let through at once. */
export interface Rate {
  intervalUs: number;
  burst: number;
}

/** What one call takes from one set of counters. All or nothing within the set, and weighed in this order. */
export interface Charge {
  /** Of the agent. */
  rate?: Rate;
  /** Of the agent with one tool. */
  toolRate?: Rate & { tool: string };
  /** Limit and cost in integer micro-units; the day is the UTC day of the store's clock. */
  budget?: Budget;
  /** Of one session, until `ttlMs` after the last call of it that cost something. */
  sessionBudget?: Budget & { session: string; ttlMs: number };
}

export interface Budget {
  limitMicro: number;
  costMicro: number;
}

/** The limits that a call can meet, in the order in which they are weighed. */
export const limitNames = ["rate", "tool_rate", "daily_budget", "session_budget"] as const;
export type LimitName = (typeof limitNames)[number];

export interface LookRequest {
  agent: string;
  session: string;
  /** To find out whether the agent has used it before; `null` = not asked. */
  tool: string | null;
  /** How long after its first call an agent's tools are not told apart, in milliseconds. */
  learningMs: number;
  /** Id of an approval of this agent; `null` = not asked. */
  approval: string | null;
}

export interface Look {
  /** `null` when nothing is remembered of it. */
  session: SessionState | null;
  /** True when the agent is known for long enough and has never used the tool. */
  newTool: boolean;
  /** `null` also when it is unknown or another agent's. */
  approval: Approval | null;
}

/** What the session remembers of one call. */
export interface Observation {
  session: string;
  /** False for the agent's open session; what is bad about any of its sessions is remembered in that one too. */
  bound: boolean;
  known: SessionFacts;
  /** Milliseconds after its last call that a session is remembered. */
  ttlMs: number;
  /** What is the case when limits and approvals do not refuse: let through, refused, or waiting for people. */
  outcome: "passed" | "refused" | "asked";
  /** Reason of a refusal; `null` for the other two. */
  refusal: string | null;
  /** `tool:action` or what else tells the anomaly; at most 256 characters. */
  detail: string;
  /** The tool, and the data it exposes; they count for calls that were let through. */
  tool: string | null;
  classification: readonly string[];
  /** Classifications that the data in the call itself was found to have; they count whatever becomes of it. */
  tags: readonly string[];
  /** Found in this call, whatever becomes of it. */
  indicators: readonly Indicator[];
  /** Of the verified attestation that came with the call. */
  outside: {
    signedAtMs: number;
    classification: readonly string[];
    integrity: Integrity;
    anomalies: boolean;
  } | null;
  /** So many refusals within so long are a `denied_burst`. */
  burst: { refusals: number; withinMs: number };
  learningMs: number;
}

export interface SettleRequest {
  agent: string;
  /**
   * Idempotency key: Envoy's stream id with the fingerprint. Within `idempotencyMs` the same key of the same agent gets
   * the first result that took something (charged, freshly opened, redeemed); one that took nothing is weighed afresh.
   */
  key: string;
  /**
   * What this process knows the agent's enforced counters to be at least. Where the store knows less it has lost some, and
   * goes on from here.
   */
  known?: KnownCounters;
  /** Limits that refuse. Only checked when an approval is opened; charged when there is none to open or it is redeemed. */
  enforced: Charge;
  /**
   * Limits in shadow: own counters, never refuse, absent = none. Their outcome and charge do not depend on whether
   * `enforced` refuses, but with an approval they too are charged only when it is redeemed.
   */
  shadow?: Charge;
  approval:
    | { kind: "none" }
    /** `maxPending` (>= 1): with as many approvals of the agent pending, no further one is opened. */
    | { kind: "open"; draft: ApprovalDraft; maxPending: number }
    | { kind: "redeem"; id: string; fingerprint: string };
  /**
   * What the session is to remember; absent = nothing. A limit or an approval that refuses makes a refusal of it, with its code as the
   * reason. Remembered once for each settling that is not replayed.
   */
  observation?: Observation;
}

/** Outcome of one set of limits. */
export type LimitOutcome =
  | { outcome: "ok" }
  | { outcome: "rate_exceeded"; limit: "rate" | "tool_rate"; retryAfterMs: number }
  | {
      outcome: "budget_exceeded";
      limit: "daily_budget" | "session_budget";
      /** Until the day, or what is remembered of the session, is over; of the latter if it is called no more. */
      retryAfterMs: number;
      spentMicro: number;
    };

/** The enforced counters that a settling has to do with, as they are after it. */
export interface Counters {
  /** The store's clock. */
  nowMs: number;
  /** Calls charged since the counters began: it only grows, until they are forgotten. */
  charges: number;
  /** `null` for a rate that was never charged. */
  tatUs: number | null;
  toolTatUs: number | null;
  /** UTC day since the epoch, and what was spent on it. */
  day: number;
  spentMicro: number;
  sessionSpentMicro: number;
  /** When the store forgets the agent's counters, and the session's; 0 = there are none. */
  keptUntilMs: number;
  sessionKeptUntilMs: number;
  /** When it last turned out that the store had lost some of the agent's, by its clock; `null` = never. */
  lostAtMs: number | null;
}

/** What a process remembers of counters, each half as it was told last. Each counts until its time is over. */
export interface KnownCounters extends Omit<Counters, "toolTatUs" | "nowMs"> {
  /** `lostAtMs` as it was told with the session's. */
  sessionLostAtMs: number | null;
}

/** A budget is used up to so many percent, or refuses: each told once for each day or session, and anew when it is raised. */
export interface BudgetWarning {
  limit: "daily_budget" | "session_budget";
  /** `shadow`: of a budget that refuses nothing. */
  mode: "enforce" | "shadow";
  percent: (typeof warnPercents)[number];
  /** What is left did not cover a call: then `percent` is 100, whatever was spent. */
  refused: boolean;
  spentMicro: number;
  limitMicro: number;
}

export const warnPercents = [80, 100] as const;

export interface UsageRequest {
  agent: string;
  /** Whose session budget is wanted; `null` = none. */
  session: string | null;
}

export interface Usage {
  nowMs: number;
  enforced: UsedCounters;
  shadow: UsedCounters;
  /** Approvals of the agent that wait for people. */
  pending: number;
}

export interface UsedCounters {
  tatUs: number | null;
  toolTatUs: Record<string, number>;
  /** Of the UTC day that the store's clock shows. */
  spentMicro: number;
  /** Spent in this hour of the store's clock so far, and in the whole hour before it. */
  hourMicro: number;
  hourBeforeMicro: number;
  sessionSpentMicro: number;
}

export interface SettleResult {
  /** True when this key was settled before and this is the stored result. */
  replayed: boolean;
  /** The session as it was before this call; `null` when nothing was remembered of it, and of a replayed or local one. */
  session: SessionState | null;
  enforced: LimitOutcome;
  /** `null` when the request had no shadow charge. */
  shadow: LimitOutcome | null;
  /** `null` of a replayed and of a local one. */
  counters: Counters | null;
  /** What this call made known; none of a replayed one. */
  warnings: readonly BudgetWarning[];
  /** True when the store did not answer, and this process let the call through or refused it by its own share of the limits. */
  local?: true;
  /** Limits come first: with `enforced` other than ok nothing is opened or redeemed, and this is `none`. */
  approval:
    | { outcome: "none" }
    /** `fresh` is false when the same call was pending already, for the same reasons and under the same terms. */
    | { outcome: "opened"; fresh: boolean; id: string; expiresAtMs: number }
    /** Too many are pending; `retryAfterMs` runs until the first of them expires. */
    | { outcome: "exceeded"; retryAfterMs: number }
    | { outcome: "redeemed" }
    | { outcome: "refused"; why: "not_found" | "mismatch" | "not_approved" | "expired" | "consumed" };
}

export type ApprovalStatus = "pending" | "approved" | "denied" | "expired" | "consumed";

/** What is stored when an approval is opened. */
export interface ApprovalDraft {
  /** Candidate id; the id of the pending approval of the same question (`questionOf`) wins over it. */
  id: string;
  agent: string;
  session: string;
  fingerprint: string;
  /** The exact canonical call that people see. */
  call: Json;
  reason: string;
  /** What people have to decide upon. */
  violations: readonly Violation[];
  requestedBy: { agent: string; initiated_by?: string };
  policyVersion: string;
  decisionId: string;
  deploymentId: string;
  /** Distinct people that have to approve, >= 1. */
  quorum: number;
  /** Lists of groups: who answers is in at least one group of every list. Empty = any approver. */
  approvers: readonly (readonly string[])[];
  /** Who may answer as well once so long has passed since `openedAt`: the same lists of groups, each with more. */
  escalation?: Escalation;
  /** What the call takes from budgets when it is let through, in micro-units. */
  costMicro: number;
  /** From the store's clock at opening. */
  expiresInMs: number;
  /** When it was asked for, by the clock of the process that asks; RFC 3339 UTC. */
  openedAt: string;
  /** Compact JWS by the approval key over everything above. Stores keep it and do not look into it. */
  opening: string;
}

export interface ApprovalFilter {
  status?: ApprovalStatus;
  agent?: string;
  limit: number;
}

/** One person's answer. */
export interface ApprovalAnswer {
  /** Id in `people.yaml`, never an alias. */
  approver: string;
  /** `revoke` ends an approval that is pending, or approved and not used yet. */
  decision: "approve" | "deny" | "revoke";
  comment?: string;
  /** RFC 3339 UTC. */
  at: string;
  /** Compact JWS by the approval key over approval id, what was shown, expiry, approver, decision and time. */
  proof: string;
}

export interface Approval extends Omit<ApprovalDraft, "expiresInMs"> {
  status: ApprovalStatus;
  answers: readonly ApprovalAnswer[];
  createdAtMs: number;
  expiresAtMs: number;
}

export interface AnswerResult {
  /**
   * `recorded`: counted, but the quorum is not reached. `conflict`: not pending any more, or this person has answered.
   */
  outcome: "approved" | "denied" | "recorded" | "revoked" | "conflict" | "expired" | "not_found";
  approval: Approval | null;
}

export interface Marked {
  /** True when the value is the one that was just given. */
  first: boolean;
  value: string;
}

/** How long the result of a settled key is kept. Longer than any Envoy retry, shorter than a budget day. */
export const idempotencyMs = 300_000;
/** Anomalies of a session that are kept whole; older ones are only counted. */
export const maxRecent = 20;
/** Agents that one session id is told to have. */
export const maxSessionAgents = 100;
/** How long after its last call the tools of an agent are remembered, beside the time of learning: 90 days. */
export const agentToolsMs = 7_776_000_000;
/** Approvals that one list looks at. */
export const maxScanned = 5_000;
/** How long an approval stays readable after it has expired. */
export const approvalRetentionMs = 86_400_000;
