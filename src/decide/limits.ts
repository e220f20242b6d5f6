import type { Limit, LimitPolicy, LimitStanding } from "../outcome.js";
import { type LimitSet, type RateDocument, toolRateOf } from "../policies/document.js";
import type { RefusalReason } from "../reasons.js";
import { aheadOf } from "../store/gcra.js";
import type { Counters, LimitName, LimitOutcome } from "../store/store.js";

/** Names of the limits as agents see them. */
const policies: Record<LimitName, LimitPolicy> = {
  rate: "rate",
  tool_rate: "tool-rate",
  daily_budget: "daily-budget",
  session_budget: "session-budget",
};

const said: Record<LimitName, string> = {
  rate: "the agent calls more often than its limit permits",
  tool_rate: "the agent calls this tool more often than its limit permits",
  daily_budget: "what is left of today's budget does not cover this call",
  session_budget: "what is left of the session's budget does not cover this call",
};

type Refusing = Exclude<LimitOutcome, { outcome: "ok" }>;

/** What the agent is told when a limit refuses: why, and when the same call can pass. */
export function refusalBy(
  outcome: Refusing,
  limits: LimitSet,
  tool: string | null,
): { reason: RefusalReason; message: string; limit: Limit } {
  const { limit: name, retryAfterMs } = outcome;
  const { quota, windowSeconds } = quotaOf(name, limits, tool);
  return {
    reason: outcome.outcome,
    message: said[name],
    limit: { policy: policies[name], quota, windowSeconds, retryAfterMs },
  };
}

/** What is left of each limit that the call met. */
export function standingsOf(counters: Counters, limits: LimitSet, tool: string | null): LimitStanding[] {
  const { rate, daily_budget_micro: daily, session_budget_micro: session } = limits;
  const toolRate = toolRateOf(limits, tool);
  const { day, spentMicro, sessionSpentMicro, sessionKeptUntilMs, nowMs } = counters;
  const met: LimitStanding[] = [];
  if (rate) met.push(rateStanding("rate", rate, aheadOf(nowMs, counters.tatUs)));
  if (toolRate) met.push(rateStanding("tool_rate", toolRate, aheadOf(nowMs, counters.toolTatUs)));
  if (daily !== undefined) {
    met.push(standing("daily_budget", ofBudget(daily), dayS, (daily - spentMicro) / micro, (day + 1) * dayMs - nowMs));
  }
  if (session !== undefined) {
    const left = (session - sessionSpentMicro) / micro;
    met.push(standing("session_budget", ofBudget(session), null, left, sessionKeptUntilMs - nowMs));
  }
  return met;
}

function rateStanding(name: LimitName, rate: RateDocument, aheadUs: number): LimitStanding {
  const left = rate.burst - aheadUs / rate.interval_us;
  return standing(name, rate.burst, windowOf(rate), left, aheadUs / 1000);
}

function standing(
  name: LimitName,
  quota: number,
  windowSeconds: number | null,
  left: number,
  resetMs: number,
): LimitStanding {
  return {
    policy: policies[name],
    quota,
    windowSeconds,
    left: Math.max(0, Math.floor(left)),
    resetSeconds: Math.max(0, Math.ceil(resetMs / 1000)),
  };
}

const micro = 1_000_000;
const dayMs = 86_400_000;
const dayS = 86_400;

function quotaOf(name: LimitName, limits: LimitSet, tool: string | null): Pick<Limit, "quota" | "windowSeconds"> {
  switch (name) {
    case "rate":
      return ofRate(limits.rate);
    case "tool_rate":
      return ofRate(toolRateOf(limits, tool));
    case "daily_budget":
      return { quota: ofBudget(limits.daily_budget_micro), windowSeconds: dayS };
    case "session_budget":
      return { quota: ofBudget(limits.session_budget_micro), windowSeconds: null };
    default:
      return name satisfies never;
  }
}

function ofRate(rate: RateDocument | undefined): Pick<Limit, "quota" | "windowSeconds"> {
  return rate ? { quota: rate.burst, windowSeconds: windowOf(rate) } : { quota: 0, windowSeconds: 0 };
}

function windowOf({ interval_us: intervalUs, burst }: RateDocument): number {
  return Math.ceil((intervalUs * burst) / 1e6);
}

/** In whole units, since the field knows no others; a budget below one is told as one. */
function ofBudget(limitMicro = 0): number {
  return Math.max(1, Math.floor(limitMicro / micro));
}
