import type { AgentDocument } from "../policies/document.js";
import type { DailyUsage, UsageView } from "../usage/usage.js";
import type { Mode } from "../verdict.js";
import { withinTime } from "./within_time.js";

/** Agents that are asked about, and budgets that are shown. */
const most = { asked: 100, shown: 20, atOnce: 8 } as const;
const hourMs = 3_600_000;

/** How much of its budget of the day an agent has used, in the budget's unit. Times are RFC 3339 UTC. */
export interface BudgetState {
  agent_id: string;
  limit: "daily_budget";
  /** `shadow`: it is counted and refuses nobody. */
  mode: Mode;
  used: number;
  of: number;
  /** `used` of `of`, 0 or more. */
  share: number;
  /** `share` at the end of the day, if it goes on as in the last 60 minutes. */
  projected_share: number;
  burn_per_hour: number;
  /** When nothing is left at that rate; `null` = not today. */
  exhausted_at: string | null;
  resets_at: string;
}

export interface Budgets {
  /** The most used first. */
  budgets: BudgetState[];
  /** Agents with a budget of which it is not known how much they used, since the store did not answer in time. */
  unknown: number;
  /** Agents with a budget that were not asked about: too many called. */
  left: number;
}

export interface BudgetDeps {
  usage: (agent: string, session: null) => Promise<UsageView>;
  limitsOf: (agent: string) => AgentDocument["limits"];
  /** Milliseconds for all of it. */
  withinMs: number;
}

/** The budgets of these agents, the first of them first where there are too many. Rejects never. */
export async function budgetsOf(agents: readonly string[], deps: BudgetDeps): Promise<Budgets> {
  const limited = agents.filter((agent) => {
    const { enforced, shadow } = deps.limitsOf(agent);
    return enforced?.daily_budget_micro !== undefined || shadow?.daily_budget_micro !== undefined;
  });
  const asked = limited.slice(0, most.asked);
  const found: UsageView[] = [];
  await withinTime(deps.withinMs, (isOver) => readAll(asked, found, isOver, deps));
  const budgets = found.flatMap(statesOf).sort((a, b) => b.share - a.share || (a.agent_id < b.agent_id ? -1 : 1));
  return {
    budgets: budgets.slice(0, most.shown),
    unknown: asked.length - found.length,
    left: limited.length - asked.length,
  };
}

/** Some at a time, so that a dashboard does not queue before the calls of agents. */
async function readAll(agents: readonly string[], found: UsageView[], isOver: () => boolean, { usage }: BudgetDeps) {
  const waiting = [...agents];
  const reader = async () => {
    for (let agent = waiting.shift(); agent !== undefined && !isOver(); agent = waiting.shift()) {
      const view = await usage(agent, null).catch(() => null);
      if (view && !isOver()) found.push(view);
    }
  };
  await Promise.all(Array.from({ length: most.atOnce }, reader));
}

function statesOf({ agent_id, at, enforced, shadow }: UsageView): BudgetState[] {
  const rows = [
    ["enforce", enforced?.daily_budget],
    ["shadow", shadow?.daily_budget],
  ] as const;
  return rows.flatMap(([mode, daily]) => (daily ? [stateOf(agent_id, mode, Date.parse(at), daily)] : []));
}

function stateOf(agent_id: string, mode: Mode, nowMs: number, daily: DailyUsage): BudgetState {
  const { limit: of, used, burn_per_hour, exhausted_at, resets_at } = daily;
  const hours = Math.max(0, Date.parse(resets_at) - nowMs) / hourMs;
  // Of a budget of nothing, all is used.
  const shareOf = (amount: number) => (of > 0 ? amount / of : 1);
  return {
    agent_id,
    limit: "daily_budget",
    mode,
    used,
    of,
    share: shareOf(used),
    projected_share: shareOf(used + burn_per_hour * hours),
    burn_per_hour,
    exhausted_at,
    resets_at,
  };
}
