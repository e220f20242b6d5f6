import { toMicro } from "../money.js";
import type { Mode } from "../verdict.js";
import type { AgentDocument, LimitSet } from "./document.js";
import { rateOf } from "./rate.js";
import type { PolicySource } from "./schema.js";

/** The lowest rate, burst and budget that any file sets, for each mode on its own. */
export function lowestLimits(
  sources: readonly { limits: PolicySource["limits"]; mode: Mode }[],
): AgentDocument["limits"] {
  const result: AgentDocument["limits"] = {};
  for (const [mode, key] of [
    ["enforce", "enforced"],
    ["shadow", "shadow"],
  ] as const) {
    const sets = sources.flatMap((source) => (source.mode === mode && source.limits ? [limitSet(source.limits)] : []));
    const lowest = sets.reduce<LimitSet>(lower, {});
    if (lowest.rate || lowest.daily_budget_micro !== undefined) result[key] = lowest;
  }
  return result;
}

function limitSet(limits: NonNullable<PolicySource["limits"]>): LimitSet {
  const set: LimitSet = {};
  if (limits.rate !== undefined) set.rate = rateOf(limits.rate, limits.burst);
  const budget = limits.daily_budget === undefined ? null : toMicro(limits.daily_budget);
  if (budget !== null) set.daily_budget_micro = budget;
  return set;
}

function lower(a: LimitSet, b: LimitSet): LimitSet {
  const result: LimitSet = {};
  const rate =
    a.rate && b.rate
      ? { interval_us: Math.max(a.rate.interval_us, b.rate.interval_us), burst: Math.min(a.rate.burst, b.rate.burst) }
      : (a.rate ?? b.rate);
  if (rate) result.rate = rate;
  const budgets = [a.daily_budget_micro, b.daily_budget_micro].filter((value) => value !== undefined);
  if (budgets.length > 0) result.daily_budget_micro = Math.min(...budgets);
  return result;
}
