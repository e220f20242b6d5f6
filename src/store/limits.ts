import { type BudgetState, dayMs, spend } from "./budget.js";
import { gcra } from "./gcra.js";
import type { Charge, LimitOutcome } from "./store.js";

/** One set of counters of one agent. */
export interface LimitState {
  tatUs: number | null;
  budget: BudgetState | null;
}

export const unused: LimitState = { tatUs: null, budget: null };

/**
 * Weighs one charge against one set of counters, rate before budget. `next` is the state to keep if the call is
 * charged, `null` when there is nothing to keep: the charge is refused, or it takes nothing.
 */
export function weigh(
  nowUs: number,
  state: LimitState,
  charge: Charge,
): { outcome: LimitOutcome; next: LimitState | null } {
  let { tatUs, budget } = state;
  if (charge.rate) {
    const decision = gcra(nowUs, tatUs, charge.rate);
    if (!decision.conforms) {
      return {
        outcome: { outcome: "rate_exceeded", retryAfterMs: Math.ceil(decision.retryAfterUs / 1000) },
        next: null,
      };
    }
    tatUs = decision.tatUs;
  }
  if (charge.budget) {
    const decision = spend(Math.floor(nowUs / 1000), budget, charge.budget);
    if (!decision.covers) {
      const { retryAfterMs, spentMicro } = decision;
      return { outcome: { outcome: "budget_exceeded", retryAfterMs, spentMicro }, next: null };
    }
    if (charge.budget.costMicro > 0) budget = decision.state;
  }
  const changed = charge.rate !== undefined || budget !== state.budget;
  return { outcome: { outcome: "ok" }, next: changed ? { tatUs, budget } : null };
}

/** When counters say nothing any more and can be dropped, in milliseconds since the epoch. */
export function forgettableAtMs(state: LimitState): number {
  // One day more than the budget's own: see the clock correction in `spend`.
  const budgetMs = state.budget ? (state.budget.day + 2) * dayMs : 0;
  return Math.max(Math.ceil((state.tatUs ?? 0) / 1000), budgetMs);
}
