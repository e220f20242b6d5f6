import { fromMicro } from "../money.js";
import type { AgentDocument, LimitSet, RateDocument } from "../policies/document.js";
import { aheadOf } from "../store/gcra.js";
import type { Store, Usage, UsedCounters } from "../store/store.js";
import { burnPerHour, exhaustedAtMs } from "./burn.js";

/** One rate: whole calls. */
export interface RateUsage {
  /** How many calls may come at once, and the seconds after which one more may. */
  burst: number;
  interval_s: number;
  used: number;
  left: number;
  /** When the whole burst is free again, if nothing more is called; RFC 3339 UTC. */
  free_at: string;
}

/** One budget, in its unit. */
export interface BudgetUsage {
  limit: number;
  used: number;
  left: number;
}

export interface DailyUsage extends BudgetUsage {
  /** Spent in the last 60 minutes. */
  burn_per_hour: number;
  /** When nothing is left if it goes on like this; `null` when not before the day ends. */
  exhausted_at: string | null;
  resets_at: string;
}

/** What an agent has used of the limits of one mode; absent = no such limit. */
export interface LimitUsage {
  rate?: RateUsage;
  tools?: Record<string, RateUsage>;
  daily_budget?: DailyUsage;
  /** Of the session that was asked for. */
  session_budget?: BudgetUsage;
}

/** `GET /v1/usage/{agent}`. Times are RFC 3339 UTC by the store's clock. */
export interface UsageView {
  agent_id: string;
  session_id: string | null;
  at: string;
  /** Limits that refuse, and limits that are only counted; `null` = none. */
  enforced: LimitUsage | null;
  shadow: LimitUsage | null;
  approvals: { pending: number; most: number };
}

export interface UsageDeps {
  store: Pick<Store, "usage">;
  limitsOf: (agent: string) => AgentDocument["limits"];
  /** Approvals of one agent that may be pending at a time. */
  maxPending: number;
}

const dayMs = 86_400_000;

/** What the agent has used. Throws `StoreUnavailable`: unknown is never shown as unused. */
export async function usageOf(deps: UsageDeps, agent: string, session: string | null): Promise<UsageView> {
  const usage = await deps.store.usage({ agent, session });
  const { enforced, shadow } = deps.limitsOf(agent);
  return {
    agent_id: agent,
    session_id: session,
    at: iso(usage.nowMs),
    enforced: enforced ? limitUsage(usage, usage.enforced, enforced, session) : null,
    shadow: shadow ? limitUsage(usage, usage.shadow, shadow, session) : null,
    approvals: { pending: usage.pending, most: deps.maxPending },
  };
}

function limitUsage({ nowMs }: Usage, used: UsedCounters, limits: LimitSet, session: string | null): LimitUsage {
  const { rate, tools, daily_budget_micro: daily, session_budget_micro: ofSession } = limits;
  const tats = new Map(Object.entries(used.toolTatUs));
  return {
    ...(rate && { rate: rateUsage(nowMs, used.tatUs, rate) }),
    ...(tools && {
      tools: Object.fromEntries(
        Object.entries(tools).map(([tool, one]) => [tool, rateUsage(nowMs, tats.get(tool) ?? null, one)]),
      ),
    }),
    ...(daily !== undefined && { daily_budget: dailyUsage(nowMs, used, daily) }),
    ...(ofSession !== undefined &&
      session !== null && { session_budget: budgetUsage(used.sessionSpentMicro, ofSession) }),
  };
}

function rateUsage(nowMs: number, tatUs: number | null, { interval_us: intervalUs, burst }: RateDocument): RateUsage {
  const aheadUs = aheadOf(nowMs, tatUs);
  const used = Math.min(burst, Math.ceil(aheadUs / intervalUs));
  return {
    burst,
    interval_s: intervalUs / 1e6,
    used,
    left: burst - used,
    free_at: iso(nowMs + Math.ceil(Math.min(aheadUs, intervalUs * burst) / 1000)),
  };
}

function dailyUsage(nowMs: number, used: UsedCounters, limitMicro: number): DailyUsage {
  const endsMs = (Math.floor(nowMs / dayMs) + 1) * dayMs;
  const burn = burnPerHour(nowMs, used);
  const atMs = exhaustedAtMs(nowMs, limitMicro - used.spentMicro, burn, endsMs);
  return {
    ...budgetUsage(used.spentMicro, limitMicro),
    burn_per_hour: fromMicro(burn),
    exhausted_at: atMs === null ? null : iso(atMs),
    resets_at: iso(endsMs),
  };
}

/** A limit that was lowered since leaves nothing, and not less. */
function budgetUsage(spentMicro: number, limitMicro: number): BudgetUsage {
  return {
    limit: fromMicro(limitMicro),
    used: fromMicro(spentMicro),
    left: fromMicro(Math.max(0, limitMicro - spentMicro)),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
