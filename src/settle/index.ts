import { type DraftRequest, openDraft } from "../approvals/draft.js";
import type { ApprovalsService } from "../approvals/service.js";
import type { Call, Identity, Override } from "../call.js";
import type { ApprovalTerms, View } from "../outcome.js";
import { type AgentDocument, type LimitSet, type RateDocument, toolRateOf } from "../policies/document.js";
import { Refusal } from "../refusal.js";
import type { SessionState } from "../session.js";
import { covers } from "../store/question.js";
import {
  type Approval,
  type BudgetWarning,
  type Charge,
  type Counters,
  type LimitOutcome,
  type Rate,
  type SettleRequest,
  type SettleResult,
  type Store,
  StoreUnavailable,
} from "../store/store.js";
import { letsThrough, type Verdict, type Violation } from "../verdict.js";
import { observationOf, type Seen } from "./observation.js";

export type { SessionTerms } from "./observation.js";

/** What evaluation found, as far as settling needs it. */
type SettleView = Pick<View, "verdict" | "reason"> & { redeems: boolean };

export interface SettleParts extends Seen {
  /** Envoy's stream id. */
  requestId: string;
  decisionId: string;
  /** A fresh ULID, for the approval that may be opened. */
  approvalId: () => string;
  identity: Identity;
  call: Call;
  fingerprint: string;
  override: Override | null;
  /** The approval behind the override token, as it was found. */
  approval: Approval | null;
  policyVersion: string;
  computed: SettleView;
  enforced: SettleView & { asked: readonly Violation[]; terms: ApprovalTerms };
  limits: AgentDocument["limits"];
  /** What the call takes from a budget, in integer micro-units. */
  costMicro: { enforced: number; computed: number };
  /** True when nothing is enforced at all: everything is only counted. */
  dryRun: boolean;
  store: Store;
  approvals: ApprovalsService;
  /** Called once the session knows of the call. */
  onObserved: () => void;
  /** How long an approval lasts where the policies do not say. */
  approvalExpiresMs: number;
}

/** One human answer that a redeemed approval rests on. */
export interface HumanApproval {
  approver: string;
  timestamp: string;
  approval_id: string;
}

export interface Settlement {
  enforced: LimitOutcome;
  shadow: LimitOutcome;
  /** The enforced counters after it; absent when the store did not say. */
  counters?: Counters | null;
  /** Budgets that this call made nearly or wholly used up. */
  warnings?: readonly BudgetWarning[];
  /** The session before this call; `null` when nothing was remembered of it, absent when nobody could tell. */
  before?: SessionState | null;
  /** Counted by this process alone, while the store was away. */
  local?: true;
  /** Why the session does not know of a call that is refused anyway; for the log. */
  trouble?: unknown;
  opened?: { id: string; expiresAtMs: number; fresh: boolean };
  redeemed?: { id: string; deploymentId: string; humans: HumanApproval[] };
}

/**
 * Stage settle: rate, budget, the opening or redeeming of an approval, and what the session is to remember, in one atomic
 * step of the store: one round trip. Throws `store_unavailable`, `approvals_exceeded`, `approval_too_large`, or for a
 * brought approval `override_invalid`, `override_expired`, `override_used`.
 */
export async function settle(parts: SettleParts): Promise<Settlement> {
  const request = requestOf(parts);
  try {
    const redeeming = request.approval.kind === "redeem" ? provenApproval(parts) : null;
    const result = await parts.store.settle(request);
    parts.onObserved();
    const settlement = settlementOf(result);
    if (result.enforced.outcome !== "ok" || isAllOf(request.approval, result.approval)) return settlement;
    const { opened, redeemed } = approvalResult(request.approval, result.approval, redeeming);
    if (opened) settlement.opened = opened;
    if (redeemed) settlement.redeemed = redeemed;
    return settlement;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    // The agent is better told what the policies say, and nothing is let through.
    if (request.observation?.outcome === "refused") {
      return { enforced: { outcome: "ok" }, shadow: { outcome: "ok" }, trouble: error };
    }
    throw new Refusal("store_unavailable", "the store of limits and approvals did not answer in time", {
      cause: error,
    });
  }
}

/**
 * Lets the session know of a call that was answered without being settled: refused before, or let through in shadow.
 * Gives the session as it was before; `undefined` when that is not known, since the store is told later. Throws as the store does.
 */
export async function note(
  seen: Seen & { agent: string; key: string; store: Store },
  answer: { verdict: Verdict; reason: string },
): Promise<SessionState | null | undefined> {
  const { agent, key, store } = seen;
  const observation = observationOf(seen, answer);
  const request = { agent, key, enforced: {}, approval: { kind: "none" }, observation } as const;
  const { session, local } = await store.settle(request);
  return local ? undefined : session;
}

/** Nothing was asked, and nothing became of it: the usual call. */
function isAllOf(asked: SettleRequest["approval"], result: SettleResult["approval"]): boolean {
  return asked.kind === "none" && result.outcome === "none";
}

/** All members at once where it is an ordinary one, since each that comes later takes an object of its own. */
function settlementOf({ enforced, shadow, counters, warnings, session, local, replayed }: SettleResult): Settlement {
  if (!local && !replayed) return { enforced, shadow: shadow ?? ok, counters, warnings, before: session };
  const settlement: Settlement = { enforced, shadow: shadow ?? ok, counters, warnings };
  if (local) settlement.local = true;
  return settlement;
}

const ok: LimitOutcome = { outcome: "ok" };

/** What became of the approval. A result of another kind than was asked for lets nothing through. */
function approvalResult(
  asked: SettleRequest["approval"],
  result: SettleResult["approval"],
  redeeming: Approval | null,
): Pick<Settlement, "opened" | "redeemed"> {
  if (result.outcome === "refused") throw refusedBecause(result.why);
  if (asked.kind === "open" && result.outcome === "exceeded") {
    const { retryAfterMs } = result;
    const windowSeconds = Math.ceil(asked.draft.expiresInMs / 1000);
    throw new Refusal("approvals_exceeded", "the agent has too many approvals waiting for people", {
      limit: { policy: "pending-approvals", quota: asked.maxPending, windowSeconds, retryAfterMs },
    });
  }
  if (asked.kind === "open" && result.outcome === "opened") {
    return { opened: { id: result.id, expiresAtMs: result.expiresAtMs, fresh: result.fresh } };
  }
  if (asked.kind === "redeem" && result.outcome === "redeemed" && redeeming !== null) {
    return { redeemed: redemptionOf(redeeming) };
  }
  throw new Error(`the store was asked to ${asked.kind} an approval and says ${result.outcome}`);
}

function requestOf(parts: SettleParts): SettleRequest {
  const { computed, enforced, limits, dryRun, override } = parts;
  const enforcing = !dryRun && enforced.verdict !== "deny";
  const charge = enforcing ? chargeOf(limits.enforced, parts, parts.costMicro.enforced) : nothing;
  const counted = dryRun ? merged(limits.enforced, limits.shadow) : limits.shadow;
  const shadow = letsThrough(computed.verdict) ? chargeOf(counted, parts, parts.costMicro.computed) : nothing;
  const approval = enforcing ? approvalOf(parts, override) : noApproval;
  const request: SettleRequest = {
    agent: parts.identity.agent.id,
    key: `${parts.requestId}/${parts.fingerprint}/${approval.kind}`,
    enforced: charge,
    approval,
    observation: observationOf(parts, dryRun ? { verdict: "allow", reason: "allowed" } : enforced),
  };
  if (shadow !== nothing && Object.keys(shadow).length > 0) request.shadow = shadow;
  return request;
}

function approvalOf(parts: SettleParts, override: Override | null): SettleRequest["approval"] {
  const { enforced, fingerprint } = parts;
  if (enforced.verdict === "approval_needed") return { kind: "open", ...parts.approvals.open(draftRequest(parts)) };
  if (enforced.redeems && override) return { kind: "redeem", id: override.approvalId, fingerprint };
  return noApproval;
}

const noApproval = { kind: "none" } as const;

function draftRequest(parts: SettleParts): DraftRequest {
  const { enforced } = parts;
  const { approvers, quorum, escalation, expiresInMs = parts.approvalExpiresMs } = enforced.terms;
  return {
    id: parts.approvalId(),
    identity: parts.identity,
    session: parts.session,
    call: parts.call,
    fingerprint: parts.fingerprint,
    reason: enforced.reason,
    violations: enforced.asked,
    policyVersion: parts.policyVersion,
    decisionId: parts.decisionId,
    approvers,
    quorum,
    escalation,
    costMicro: parts.costMicro.enforced,
    expiresInMs,
  };
}

/**
 * The store is state, not proof: the signed human answers are checked again before anything is redeemed, and against
 * what the policies ask and the terms that hold now, so that an approval covers the reasons that people saw and no others,
 * and one given on easier terms does not pass a policy that has become stricter.
 */
function provenApproval(parts: SettleParts): Approval {
  const { approval } = parts;
  if (approval === null) throw refusedBecause("not_found");
  if (approval.status === "expired") throw refusedBecause(approval.status);
  // A consumed one goes on: when this very request consumed it, the store answers as it did the first time.
  const decided = approval.status === "approved" || approval.status === "consumed";
  if (!decided || !parts.approvals.proven(approval, openDraft(draftRequest(parts)))) {
    throw refusedBecause("not_approved");
  }
  if (!covers(approval.violations, parts.enforced.asked)) throw refusedBecause("other_reasons");
  return approval;
}

function redemptionOf(approval: Approval): NonNullable<Settlement["redeemed"]> {
  return {
    id: approval.id,
    deploymentId: approval.deploymentId,
    humans: approval.answers.map(({ approver, at }) => ({ approver, timestamp: at, approval_id: approval.id })),
  };
}

type Unredeemable = Extract<SettleResult["approval"], { outcome: "refused" }>["why"] | "other_reasons";

function refusedBecause(why: Unredeemable): Refusal {
  switch (why) {
    case "consumed":
      return new Refusal("override_used", "the override token was used before; it lets one call through");
    case "expired":
      return new Refusal(
        "override_expired",
        "the approval has expired; repeat the call without the token to ask again",
      );
    case "other_reasons":
      return new Refusal(
        "override_invalid",
        "what needs approval has changed since it was given; repeat the call without the token to ask again",
      );
    case "not_found":
    case "mismatch":
    case "not_approved":
      return new Refusal("override_invalid", "the approval behind the override token does not hold");
    default:
      return why satisfies never;
  }
}

const nothing: Charge = {};

function chargeOf(limits: LimitSet | undefined, { call, session, terms }: SettleParts, costMicro: number): Charge {
  if (limits === undefined) return nothing;
  const { rate, daily_budget_micro: daily, session_budget_micro: ofSession } = limits;
  const toolRate = toolRateOf(limits, call.tool);
  const charge: Charge = {};
  if (rate) charge.rate = countable(rate);
  if (toolRate && call.tool !== null) {
    charge.toolRate = { intervalUs: toolRate.interval_us, burst: toolRate.burst, tool: call.tool };
  }
  if (daily !== undefined) charge.budget = { limitMicro: daily, costMicro };
  if (ofSession !== undefined) {
    charge.sessionBudget = { limitMicro: ofSession, costMicro, session: session.id, ttlMs: terms.ttlMs };
  }
  return charge;
}

function countable({ interval_us: intervalUs, burst }: RateDocument): Rate {
  return { intervalUs, burst };
}

/** In a dry run one set of counters stands for both modes. */
function merged(a: LimitSet | undefined, b: LimitSet | undefined): LimitSet {
  const tools = { ...b?.tools, ...a?.tools };
  return { ...b, ...a, ...(Object.keys(tools).length > 0 && { tools }) };
}
