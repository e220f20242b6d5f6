import { z } from "zod";
import { toMicro } from "../money.js";
import { isCountable } from "../store/check.js";
import type { Mode } from "../verdict.js";
import type { AgentDocument, LimitSet } from "./document.js";
import { rateForm, rateOf } from "./rate.js";

/** What a store can count; beyond it every call would be refused for a fault of ours. */
function countable(rate: string, burst: number | undefined): boolean {
  const { interval_us: intervalUs, burst: atOnce } = rateOf(rate, burst);
  if (!(atOnce >= 1)) return true; // That is another mistake, and told already.
  return isCountable({ intervalUs, burst: atOnce });
}

/** `limits`: how often an agent may call, and what its calls may cost in a day. */
export const limitsSchema = z
  .strictObject({
    rate: z
      .string("write a rate with its unit, as 5/s, 100/m or 1000/h")
      .regex(rateForm, "write a rate with its unit, as 5/s, 100/m or 1000/h")
      .optional()
      .describe("calls per s, m, h or d: 5/s"),
    burst: z.int().min(1).max(1_000_000).optional().describe("how many calls may come at once"),
    daily_budget: z
      .number()
      .refine((value) => toMicro(value) !== null, "a budget is at least 0 and has at most 6 decimals")
      .optional()
      .describe("what calls may cost in one UTC day"),
  })
  .refine((value) => Object.keys(value).length > 0, "name a `rate`, a `daily_budget` or both")
  .refine((value) => value.burst === undefined || value.rate !== undefined, {
    path: ["burst"],
    message: "`burst` says how many calls of the `rate` may come at once, and there is no `rate`",
  })
  .refine(({ rate, burst }) => rate === undefined || !rateForm.test(rate) || countable(rate, burst), {
    path: ["burst"],
    message: "so many calls of so slow a `rate` would take longer to refill than can be counted",
  });

type Limits = z.output<typeof limitsSchema>;

/** The lowest rate, burst and budget that any file sets, for each mode on its own. */
export function lowestLimits(sources: readonly { limits: Limits | undefined; mode: Mode }[]): AgentDocument["limits"] {
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

function limitSet(limits: Limits): LimitSet {
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
