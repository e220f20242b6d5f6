/** Spending of one UTC day: its index since the epoch, and integer micro-units. */
export interface BudgetState {
  day: number;
  spentMicro: number;
}

/** What the budget says about one cost. `state` is what to keep when it is charged; `spentMicro` the day's before it. */
export type BudgetDecision =
  | { covers: true; state: BudgetState }
  | { covers: false; spentMicro: number; retryAfterMs: number };

export const dayMs = 86_400_000;

/**
 * Decides whether a UTC day's budget covers a cost. Exact for integers below 2^53. Cost 0 passes always, an exhausted
 * budget included. `retryAfterMs` runs to the end of the day, also where no day's budget would ever cover the cost.
 */
export function spend(
  nowMs: number,
  state: BudgetState | null,
  budget: { limitMicro: number; costMicro: number },
): BudgetDecision {
  const today = Math.floor(nowMs / dayMs);
  // A clock that was corrected back over midnight must not open the budget of the same day twice.
  const counts = state !== null && (state.day === today || state.day === today + 1);
  const { day, spentMicro } = counts ? state : { day: today, spentMicro: 0 };
  if (budget.costMicro > 0 && spentMicro + budget.costMicro > budget.limitMicro) {
    return { covers: false, spentMicro, retryAfterMs: (day + 1) * dayMs - nowMs };
  }
  return { covers: true, state: { day, spentMicro: spentMicro + budget.costMicro } };
}
