import { dayMs } from "./budget.js";
import { maxHorizonUs } from "./gcra.js";
import type { Budget, Charge, KnownCounters, Rate } from "./store.js";

/**
 * The share of each limit that one process gives out by itself, `fraction` from above 0 to 1: of a budget no more than
 * what is known to be left of the whole one, of a rate at least one call at once.
 */
export function shareOf(charge: Charge, fraction: number, nowMs: number, known: KnownCounters | null): Charge {
  const { rate, toolRate, budget, sessionBudget } = charge;
  const spentToday = known !== null && known.day >= Math.floor(nowMs / dayMs) ? known.spentMicro : 0;
  const spentInSession = known !== null && known.sessionKeptUntilMs > nowMs ? known.sessionSpentMicro : 0;
  return {
    ...(rate && { rate: slower(rate, fraction) }),
    ...(toolRate && { toolRate: { ...toolRate, ...slower(toolRate, fraction) } }),
    ...(budget && { budget: smaller(budget, fraction, spentToday) }),
    ...(sessionBudget && { sessionBudget: { ...sessionBudget, ...smaller(sessionBudget, fraction, spentInSession) } }),
  };
}

function slower({ intervalUs, burst }: Rate, fraction: number): Rate {
  const fewer = Math.max(1, Math.floor(burst * fraction));
  // Beyond what can be counted no second call passes within a lifetime anyway.
  return { intervalUs: Math.min(Math.ceil(intervalUs / fraction), Math.floor(maxHorizonUs / fewer)), burst: fewer };
}

function smaller({ limitMicro, costMicro }: Budget, fraction: number, spentMicro: number): Budget {
  const left = Math.max(0, limitMicro - spentMicro);
  return { limitMicro: Math.min(Math.floor(limitMicro * fraction), left), costMicro };
}
