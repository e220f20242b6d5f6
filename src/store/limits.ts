import { type BudgetState, dayMs, spend } from "./budget.js";
import { gcra } from "./gcra.js";
import type { Charge, KnownCounters, LimitOutcome } from "./store.js";
import { type Told, untold } from "./warnings.js";

/** One set of counters of one agent. */
export interface LimitState {
  /** Calls charged so far. */
  charges: number;
  tatUs: number | null;
  toolTatUs: Readonly<Record<string, number>>;
  budget: BudgetState | null;
  /** What was spent in one hour since the epoch, and in the one before it. */
  hour: { index: number; micro: number; beforeMicro: number } | null;
  /** What was told of one day's budget. */
  warned: (Told & { day: number }) | null;
  keptUntilMs: number;
  /** When the last loss was noticed, of these or of a session's; `null` = never. */
  lostAtMs: number | null;
}

/** What one session has spent of one set of limits. */
export interface SessionSpending {
  spentMicro: number;
  warned: Told;
  keptUntilMs: number;
}

export interface LimitStates {
  limits: LimitState;
  session: SessionSpending;
}

export const unused: LimitState = {
  charges: 0,
  tatUs: null,
  toolTatUs: {},
  budget: null,
  hour: null,
  warned: null,
  keptUntilMs: 0,
  lostAtMs: null,
};
export const unspent: SessionSpending = { spentMicro: 0, warned: untold, keptUntilMs: 0 };

const hourMs = 3_600_000;

export interface Weighed {
  outcome: LimitOutcome;
  /** What to keep if the call is charged; `null` when the charge is refused, or takes nothing. */
  next: LimitStates | null;
}

/** Weighs one charge against one set of counters: the rates, then the budgets. */
export function weigh(nowUs: number, states: LimitStates, charge: Charge): Weighed {
  const nowMs = Math.floor(nowUs / 1000);
  const next = { limits: { ...states.limits, charges: states.limits.charges + 1 }, session: { ...states.session } };
  const refusal =
    takeRates(nowUs, next.limits, charge) ?? takeDay(nowMs, next.limits, charge) ?? takeSession(nowMs, next, charge);
  if (refusal) return { outcome: refusal, next: null };
  const spends = (charge.budget?.costMicro ?? 0) > 0 || (charge.sessionBudget?.costMicro ?? 0) > 0;
  const takes = charge.rate !== undefined || charge.toolRate !== undefined || spends;
  return { outcome: { outcome: "ok" }, next: takes ? next : null };
}

type Refusal = Exclude<LimitOutcome, { outcome: "ok" }>;

/** The three take what the charge wants of the counters, or say why not. */
function takeRates(nowUs: number, next: LimitState, { rate, toolRate }: Charge): Refusal | null {
  if (rate) {
    const decision = gcra(nowUs, next.tatUs, rate);
    if (!decision.conforms) return tooOften("rate", decision.retryAfterUs);
    next.tatUs = decision.tatUs;
    next.keptUntilMs = Math.max(next.keptUntilMs, Math.ceil(decision.tatUs / 1000));
  }
  if (toolRate) {
    const { tool } = toolRate;
    const decision = gcra(nowUs, toolTatOf(next, tool), toolRate);
    if (!decision.conforms) return tooOften("tool_rate", decision.retryAfterUs);
    next.toolTatUs = { ...next.toolTatUs, [tool]: decision.tatUs };
    next.keptUntilMs = Math.max(next.keptUntilMs, Math.ceil(decision.tatUs / 1000));
  }
  return null;
}

/** Own names only: a tool can be called `__proto__`. */
export function toolTatOf({ toolTatUs }: LimitState, tool: string): number | null {
  return Object.hasOwn(toolTatUs, tool) ? (toolTatUs[tool] ?? null) : null;
}

function tooOften(limit: "rate" | "tool_rate", retryAfterUs: number): Refusal {
  return { outcome: "rate_exceeded", limit, retryAfterMs: Math.ceil(retryAfterUs / 1000) };
}

function takeDay(nowMs: number, next: LimitState, { budget }: Charge): Refusal | null {
  if (!budget || budget.costMicro === 0) return null;
  const decision = spend(nowMs, next.budget, budget);
  if (!decision.covers) {
    const { retryAfterMs, spentMicro } = decision;
    return { outcome: "budget_exceeded", limit: "daily_budget", retryAfterMs, spentMicro };
  }
  next.budget = decision.state;
  const index = Math.floor(nowMs / hourMs);
  const { hour } = next;
  const spent = hour?.index === index ? hour : { micro: 0, beforeMicro: hour?.index === index - 1 ? hour.micro : 0 };
  next.hour = { index, micro: spent.micro + budget.costMicro, beforeMicro: spent.beforeMicro };
  // One day more than the budget's own: see the clock correction in `spend`.
  next.keptUntilMs = Math.max(next.keptUntilMs, (decision.state.day + 2) * dayMs);
  return null;
}

function takeSession(nowMs: number, { session }: LimitStates, { sessionBudget }: Charge): Refusal | null {
  if (!sessionBudget || sessionBudget.costMicro === 0) return null;
  const { limitMicro, costMicro, ttlMs } = sessionBudget;
  const { spentMicro, keptUntilMs } = session;
  if (spentMicro + costMicro > limitMicro) {
    const retryAfterMs = spentMicro > 0 && keptUntilMs > nowMs ? keptUntilMs - nowMs : ttlMs;
    return { outcome: "budget_exceeded", limit: "session_budget", retryAfterMs, spentMicro };
  }
  session.spentMicro = spentMicro + costMicro;
  session.keptUntilMs = Math.max(keptUntilMs, nowMs + ttlMs);
  return null;
}

/**
 * The counters with what is known of them put back; `null` when they are not behind it. `lostAtMs` stays with them, so that
 * all who knew them hear of it, and not only the call that puts them back.
 */
export function putBack(nowMs: number, { limits, session }: LimitStates, known: KnownCounters): LimitStates | null {
  const behind = known.keptUntilMs > nowMs && limits.charges < known.charges;
  const sessionBehind = known.sessionKeptUntilMs > nowMs && session.spentMicro < known.sessionSpentMicro;
  if (!behind && !sessionBehind) return null;
  // What was known before the last loss that the counters tell of was lost with it.
  const isNew = (knownMs: number | null): boolean => (knownMs ?? 0) >= (limits.lostAtMs ?? 0);
  const noticed = (behind && isNew(known.lostAtMs)) || (sessionBehind && isNew(known.sessionLostAtMs));
  const next = { ...(behind ? restored(limits, known) : limits), ...(noticed && { lostAtMs: nowMs }) };
  if (!sessionBehind) return { limits: next, session };
  const keptUntilMs = Math.max(session.keptUntilMs, known.sessionKeptUntilMs);
  return {
    // They hold `lostAtMs`.
    limits: { ...next, keptUntilMs: Math.max(next.keptUntilMs, keptUntilMs) },
    session: { ...session, spentMicro: known.sessionSpentMicro, keptUntilMs },
  };
}

function restored(limits: LimitState, { charges, tatUs, day, spentMicro, keptUntilMs }: KnownCounters): LimitState {
  const here = limits.budget;
  const there = here?.day === day ? { day, spentMicro: Math.max(here.spentMicro, spentMicro) } : { day, spentMicro };
  return {
    ...limits,
    charges,
    tatUs: tatUs === null ? limits.tatUs : Math.max(limits.tatUs ?? 0, tatUs),
    budget: here !== null && here.day > day ? here : there,
    keptUntilMs: Math.max(limits.keptUntilMs, keptUntilMs),
  };
}

/** What was spent of the day's budget, or of the next day's when the clock was set back over midnight. */
export function spentToday(nowMs: number, budget: BudgetState | null): BudgetState {
  const day = Math.floor(nowMs / dayMs);
  return budget !== null && budget.day >= day ? budget : { day, spentMicro: 0 };
}
