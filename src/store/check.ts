import { maxHorizonUs } from "./gcra.js";
import type {
  ApprovalAnswer,
  ApprovalFilter,
  Budget,
  Charge,
  KnownCounters,
  LookRequest,
  Observation,
  Rate,
  SettleRequest,
  UsageRequest,
} from "./store.js";

/** Longest life of a pending or approved approval: 30 days. The list of approvals is pruned by it. */
export const maxExpiresInMs = 30 * 86_400_000;

/**
 * Refuses, with a `RangeError`, requests that stores could understand differently: empty names, text that is not
 * Unicode, numbers that are not exact. Such a request is a mistake in this program, never an agent's doing.
 */
export function checkSettle(request: SettleRequest): void {
  checkName("agent", request.agent);
  checkName("key", request.key);
  checkCharge("enforced", request.enforced);
  if (request.shadow) checkCharge("shadow", request.shadow);
  checkSessions(request);
  if (request.known) checkKnown(request.known);
  const { approval, observation } = request;
  if (observation) checkObservation(observation);
  if (approval.kind === "redeem") {
    checkName("approval.id", approval.id);
    checkName("approval.fingerprint", approval.fingerprint);
  }
  if (approval.kind === "open") {
    const { draft } = approval;
    checkName("draft.id", draft.id);
    checkName("draft.fingerprint", draft.fingerprint);
    checkInteger("draft.quorum", draft.quorum, 1);
    checkInteger("draft.expiresInMs", draft.expiresInMs, 1, maxExpiresInMs);
    checkInteger("draft.costMicro", draft.costMicro, 0);
    if (draft.escalation) checkInteger("draft.escalation.afterMs", draft.escalation.afterMs, 1, maxExpiresInMs);
    checkInteger("approval.maxPending", approval.maxPending, 1);
    if (draft.agent !== request.agent) throw new RangeError("draft.agent is not the agent that settles");
  }
}

export function checkLook({ agent, session, tool, learningMs, approval }: LookRequest): void {
  checkName("agent", agent);
  checkName("session", session);
  if (tool !== null) checkName("tool", tool);
  if (approval !== null) checkName("approval", approval);
  checkInteger("learningMs", learningMs, 0);
}

function checkObservation(seen: Observation): void {
  checkName("observation.session", seen.session);
  if (seen.tool !== null) checkName("observation.tool", seen.tool);
  for (const name of seen.classification) checkName("observation.classification", name);
  for (const name of seen.tags) checkName("observation.classification", name);
  if (seen.outside) {
    for (const name of seen.outside.classification) checkName("observation.outside.classification", name);
  }
  checkName("observation.detail", seen.detail);
  if (seen.refusal !== null) checkName("observation.refusal", seen.refusal);
  const { workflow_run_id, initiated_by, role, clearance } = seen.known;
  if (workflow_run_id !== undefined) checkName("observation.known", workflow_run_id);
  if (initiated_by !== undefined) checkName("observation.known", initiated_by);
  if (role !== undefined) checkName("observation.known", role);
  if (clearance !== undefined) checkName("observation.known", clearance);
  checkInteger("observation.ttlMs", seen.ttlMs, 1);
  checkInteger("observation.learningMs", seen.learningMs, 0);
  checkInteger("observation.burst.refusals", seen.burst.refusals, 2, 100);
  checkInteger("observation.burst.withinMs", seen.burst.withinMs, 1);
  if (seen.outside) checkInteger("observation.outside.signedAtMs", seen.outside.signedAtMs, 0);
  if ((seen.outcome === "refused") !== (seen.refusal !== null)) {
    throw new RangeError("observation.refusal is there exactly for a refusal");
  }
}

export function checkAnswer(id: string, answer: ApprovalAnswer): void {
  checkName("id", id);
  checkName("approver", answer.approver);
}

export function checkFilter({ agent, limit }: ApprovalFilter): void {
  checkInteger("limit", limit, 1, 1000);
  if (agent !== undefined) checkName("agent", agent);
}

/**
 * True for rates that stores can count: `intervalUs` and `burst` are integers from 1, and their product, the time in
 * which a full burst becomes free again, is at most 2^52 microseconds (some 142 years). Lower limits of several such
 * rates, the longest interval with the smallest burst, are countable too.
 */
export function isCountable({ intervalUs, burst }: Rate): boolean {
  return isWithinHorizon(intervalUs) && isWithinHorizon(burst) && isWithinHorizon(intervalUs * burst);
}

function isWithinHorizon(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= maxHorizonUs;
}

function checkCharge(path: "enforced" | "shadow", { rate, toolRate, budget, sessionBudget }: Charge): void {
  if (rate && !isCountable(rate))
    throw new RangeError(`${path}.rate has an interval or a burst that cannot be counted`);
  if (toolRate) {
    checkName(`${path}.toolRate.tool`, toolRate.tool);
    if (!isCountable(toolRate)) {
      throw new RangeError(`${path}.toolRate has an interval or a burst that cannot be counted`);
    }
  }
  if (budget) checkBudget(path === "enforced" ? "enforced.budget" : "shadow.budget", budget);
  if (sessionBudget) {
    checkBudget(`${path}.sessionBudget`, sessionBudget);
    checkName(`${path}.sessionBudget.session`, sessionBudget.session);
    checkInteger(`${path}.sessionBudget.ttlMs`, sessionBudget.ttlMs, 1);
  }
}

/** What is written of it is put together only where it is wrong. */
function checkBudget(path: string, { limitMicro, costMicro }: Budget): void {
  if (!isCount(limitMicro)) checkInteger(`${path}.limitMicro`, limitMicro, 0);
  if (!isCount(costMicro)) checkInteger(`${path}.costMicro`, costMicro, 0);
}

/** Both charges of one call are of one session. */
function checkSessions({ enforced, shadow }: SettleRequest): void {
  const one = enforced.sessionBudget;
  const other = shadow?.sessionBudget;
  if (one && other && one.session !== other.session)
    throw new RangeError("the two session budgets are of two sessions");
}

function checkKnown(known: KnownCounters): void {
  const { charges, tatUs, day, spentMicro, keptUntilMs, lostAtMs } = known;
  const { sessionSpentMicro, sessionKeptUntilMs, sessionLostAtMs } = known;
  const areRight =
    isCount(charges) &&
    (tatUs === null || isCount(tatUs)) &&
    isCount(day) &&
    isCount(spentMicro) &&
    isCount(keptUntilMs) &&
    (lostAtMs === null || isCount(lostAtMs)) &&
    isCount(sessionSpentMicro) &&
    isCount(sessionKeptUntilMs) &&
    (sessionLostAtMs === null || isCount(sessionLostAtMs));
  if (areRight) return;
  for (const [name, value] of Object.entries(known)) checkInteger(`known.${name}`, value ?? 0, 0);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function checkMark({ id, agent }: { id: string; agent: string }, name: string): void {
  checkName("id", id);
  checkName("agent", agent);
  checkName("name", name);
}

export function checkOnce(name: string, ttlMs: number): void {
  checkName("name", name);
  checkInteger("ttlMs", ttlMs, 1);
}

export function checkUsage({ agent, session }: UsageRequest): void {
  checkName("agent", agent);
  if (session !== null) checkName("session", session);
}

/** In a fifth of the time of a look for halves of characters: what has one byte for each character needs none. */
export function checkName(path: string, value: string): void {
  if (value === "") throw new RangeError(`${path} is empty`);
  if (!value.isWellFormed()) throw new RangeError(`${path} is not well-formed Unicode`);
}

export function checkInteger(path: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new RangeError(`${path} is not an integer from ${least} to ${most}`);
  }
}
