import { z } from "zod";
import { toMicro } from "../money.js";
import { isCountable } from "../store/check.js";
import type { Mode } from "../verdict.js";
import { type AgentDocument, type LimitSet, type RateDocument, toolRateOf } from "./document.js";
import { toolName } from "./names.js";
import { rateForm, rateOf } from "./rate.js";
import { anyKeys } from "./rule.js";

const rateWords = "write a rate with its unit, as 5/s, 100/m or 1000/h";
const rate = z.string(rateWords).regex(rateForm, rateWords).describe("calls per s, m, h or d: 5/s");
const burst = z.int().min(1).max(1_000_000).optional().describe("how many calls may come at once");

/** What a store can count; beyond it every call would be refused for a fault of ours. */
function countable({ rate, burst }: { rate?: string | undefined; burst?: number | undefined }): boolean {
  if (rate === undefined || !rateForm.test(rate)) return true; // That is another mistake, and told already.
  const { interval_us: intervalUs, burst: atOnce } = rateOf(rate, burst);
  return !(atOnce >= 1) || isCountable({ intervalUs, burst: atOnce });
}

const uncountable = {
  path: ["burst"],
  message: "so many calls of so slow a `rate` would take longer to refill than can be counted",
};

const tools = z
  .record(
    toolName("every tool: the `rate` of the agent"),
    z.strictObject({ rate, burst }).refine(countable, uncountable),
  )
  .refine((value) => Object.keys(value).length > 0, "name a tool and its `rate`");

const budget = z
  .number()
  .refine((value) => toMicro(value) !== null, "a budget is at least 0 and has at most 6 decimals")
  .optional();

/** `limits`: how often an agent may call, and what its calls may cost in a day and in a session. */
export const limitsSchema = z
  .strictObject({
    rate: rate.optional(),
    burst,
    daily_budget: budget.describe("what calls may cost in one UTC day"),
    session_budget: budget.describe("what the calls of one session may cost in all"),
    tools: anyKeys(tools).optional().describe("rates of the agent with single tools, beside its own rate"),
  })
  .refine(
    (value) => Object.keys(value).length > 0,
    "name a `rate`, a `daily_budget`, a `session_budget` or rates of `tools`",
  )
  .refine((value) => value.burst === undefined || value.rate !== undefined, {
    path: ["burst"],
    message: "`burst` says how many calls of the `rate` may come at once, and there is no `rate`",
  })
  .refine(countable, uncountable);

type Limits = z.output<typeof limitsSchema>;

/** The lowest rates, bursts and budgets that any file sets, for each mode on its own. */
export function lowestLimits(sources: readonly { limits: Limits | undefined; mode: Mode }[]): AgentDocument["limits"] {
  const result: AgentDocument["limits"] = {};
  for (const [mode, key] of [
    ["enforce", "enforced"],
    ["shadow", "shadow"],
  ] as const) {
    const sets = sources.flatMap((source) => (source.mode === mode && source.limits ? [limitSet(source.limits)] : []));
    const lowest = sets.reduce<LimitSet>(lower, {});
    if (Object.keys(lowest).length > 0) result[key] = lowest;
  }
  return result;
}

function limitSet({ rate, burst, daily_budget: daily, session_budget: session, tools }: Limits): LimitSet {
  const ofTools = Object.entries(tools ?? {}).map(([name, own]) => [name, rateOf(own.rate, own.burst)] as const);
  return {
    ...(rate !== undefined && { rate: rateOf(rate, burst) }),
    ...(ofTools.length > 0 && { tools: Object.fromEntries(ofTools) }),
    ...budgets(daily === undefined ? null : toMicro(daily), session === undefined ? null : toMicro(session)),
  };
}

function lower(a: LimitSet, b: LimitSet): LimitSet {
  const [rate] = lowerRate(a.rate, b.rate);
  const names = [...new Set([a, b].flatMap(({ tools = {} }) => Object.keys(tools)))].sort();
  const ofTools = names.flatMap((name) =>
    lowerRate(toolRateOf(a, name), toolRateOf(b, name)).map((lowest) => [name, lowest] as const),
  );
  return {
    ...(rate && { rate }),
    ...(ofTools.length > 0 && { tools: Object.fromEntries(ofTools) }),
    ...budgets(
      lowest(a.daily_budget_micro, b.daily_budget_micro),
      lowest(a.session_budget_micro, b.session_budget_micro),
    ),
  };
}

function budgets(daily: number | null, session: number | null): LimitSet {
  return {
    ...(daily !== null && { daily_budget_micro: daily }),
    ...(session !== null && { session_budget_micro: session }),
  };
}

/** Interval and burst each by itself; none where neither is limited. */
function lowerRate(a: RateDocument | undefined, b: RateDocument | undefined): RateDocument[] {
  const rates = [a, b].filter((one) => one !== undefined);
  if (rates.length === 0) return [];
  const interval_us = Math.max(...rates.map((one) => one.interval_us));
  return [{ interval_us, burst: Math.min(...rates.map((one) => one.burst)) }];
}

function lowest(a: number | undefined, b: number | undefined): number | null {
  const set = [a, b].filter((one) => one !== undefined);
  return set.length === 0 ? null : Math.min(...set);
}
