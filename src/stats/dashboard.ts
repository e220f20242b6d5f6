import type { ApprovalsService } from "../approvals/service.js";
import { lazily } from "../page/lazily.js";
import { type Verdict, verdicts } from "../verdict.js";
import { type BudgetDeps, type BudgetState, type Budgets, budgetsOf } from "./budgets.js";
import type { AgentCount, Latency, RuleCount, Seen, Step } from "./seen.js";
import { blockedOf, type StatsWindow } from "./window.js";
import { withinTime } from "./within_time.js";

/** What the dashboard can look back on: minutes of one step, and steps. */
const dashboardWindows = {
  "1h": { stepMinutes: 1, steps: 60 },
  "6h": { stepMinutes: 5, steps: 72 },
  "24h": { stepMinutes: 15, steps: 96 },
} as const;
export type DashboardWindow = keyof typeof dashboardWindows;

/** Agents and rules that are shown. */
const mostShown = 10;
/** Pending approvals that are counted. */
const mostPending = 200;
/** So old the answers of the store may be, however many look. */
const freshMs = 3_000;

/** Numbers by step; `null` where nothing is known, since it was before `since`. */
export type Numbers = (number | null)[];

/** `GET /v1/dashboard`. What this server has decided, and what is left of budgets. Times are RFC 3339 UTC. */
export interface DashboardView {
  /** What is told of decisions counts from then on. */
  since: string;
  /** When this process started; what is older was read from its records. */
  started_at: string;
  at: string;
  window: DashboardWindow;
  step_s: number;
  series: {
    /** When each step begins, in seconds since the epoch. The last one is still going on. */
    at: number[];
    /** Calls by what was done with them. */
    enforced: Record<Verdict, Numbers>;
    /** Calls that were let through and that enforcing everything would have stopped. */
    would_block: Numbers;
    p50_us: Numbers;
    p90_us: Numbers;
    p99_us: Numbers;
  };
  totals: {
    decisions: number;
    blocked: number;
    /** 0 to 1; `null` when there was no decision. */
    blocked_ratio: number | null;
    would_block: number;
    /** What was done, and what the policies said. They differ in shadow and in a dry run. */
    enforced: Record<Verdict, number>;
    decided: Record<Verdict, number>;
  };
  /** Those with most calls that were blocked or would have been. */
  agents: AgentCount[];
  rules: RuleCount[];
  /**
   * From the authorization request to its answer; waiting for people included. Refusals that were read back from a record that
   * counts several have their mean.
   */
  latency: Latency;
  /** `null` = the store does not answer. `more`: there are more than were counted. */
  approvals: { pending: number; more: boolean; oldest_at: string | null } | null;
  /** Of agents that called in the last 24 hours, the most used first. */
  budgets: BudgetState[];
  /** Agents whose budgets are not known now, and those that are too many to be asked about. */
  budgets_unknown: number;
  budgets_left: number;
  policy_version: string;
  /** `dry_run`: nothing is enforced. Else the mode of policies that name none. */
  mode: "enforce" | "shadow" | "dry_run";
  health: { ready: boolean; parts: Record<string, "ok" | "trouble"> };
}

/** What is found out by those who know it. */
type Standing = Pick<DashboardView, "policy_version" | "mode" | "health">;

/** What all processes of this server have counted, and since when that is whole, in milliseconds since the epoch. */
export type DashboardNumbers = (stepMinutes: number, steps: number) => Promise<{ seen: Seen; sinceMs: number }>;

export interface DashboardDeps extends BudgetDeps {
  window: StatsWindow;
  /** Default: those of `window`. */
  numbers?: DashboardNumbers;
  /** Since when the numbers are whole, in milliseconds since the epoch. */
  sinceMs: () => number;
  startedMs: number;
  approvals: Pick<ApprovalsService, "list">;
  now: () => number;
  /** Of a clock that never goes back. */
  monotonicMs: () => number;
}

/** What answers `GET /v1/dashboard`, but for the standing. The store is asked at most once in a few seconds. */
export function dashboard(
  deps: DashboardDeps,
): (window: DashboardWindow) => Promise<Omit<DashboardView, keyof Standing>> {
  const once = { freshMs, coolDownMs: freshMs, nowMs: deps.monotonicMs };
  const { window, sinceMs } = deps;
  const numbers: DashboardNumbers =
    deps.numbers ?? (async (minutes, steps) => ({ seen: window.see(minutes, steps), sinceMs: sinceMs() }));
  const ofStore = lazily(async () => {
    const [approvals, budgets] = await Promise.all([
      queueOf(deps),
      callersOf(numbers).then((callers) => budgetsOf(callers, deps)),
    ]);
    return { approvals, budgets };
  }, once);
  return async (name) => {
    const { approvals, budgets } = await ofStore();
    const { stepMinutes, steps } = dashboardWindows[name];
    return { ...numbersOf(name, await numbers(stepMinutes, steps), deps), approvals, ...budgetsShown(budgets) };
  };
}

/** Agents that called in the last 24 hours, those with most refusals first. */
async function callersOf(numbers: DashboardNumbers): Promise<string[]> {
  const { stepMinutes, steps } = dashboardWindows["24h"];
  const { seen } = await numbers(stepMinutes, steps);
  return seen.agents.flatMap(({ agent_id }) => (agent_id === null ? [] : [agent_id]));
}

function budgetsShown({ budgets, unknown, left }: Budgets) {
  return { budgets, budgets_unknown: unknown, budgets_left: left };
}

/** `null` also when the store takes too long: the numbers of this process do not wait for it. */
async function queueOf(deps: DashboardDeps): Promise<DashboardView["approvals"]> {
  let queue: DashboardView["approvals"] = null;
  await withinTime(deps.withinMs, async (isOver) => {
    const found = await queueAsked(deps);
    if (!isOver()) queue = found;
  });
  return queue;
}

async function queueAsked({ approvals }: DashboardDeps): Promise<DashboardView["approvals"]> {
  try {
    const pending = await approvals.list({ status: "pending", limit: mostPending });
    const oldest_at = pending.map(({ created_at }) => created_at).sort()[0] ?? null;
    return { pending: pending.length, more: pending.length === mostPending, oldest_at };
  } catch {
    // The calls that need the store say what is wrong with it.
    return null;
  }
}

function numbersOf(
  name: DashboardWindow,
  { seen, sinceMs: since }: { seen: Seen; sinceMs: number },
  { startedMs, now }: DashboardDeps,
) {
  const { stepMinutes } = dashboardWindows[name];
  const { steps, latency, agents, rules } = seen;
  const stepMs = stepMinutes * 60_000;
  const series = (numberOf: (step: Step) => number | null): Numbers =>
    steps.map((step) => (step.atMs + stepMs > since ? numberOf(step) : null));
  const byVerdict = <T>(made: (verdict: Verdict) => T) =>
    Object.fromEntries(verdicts.map((verdict) => [verdict, made(verdict)])) as Record<Verdict, T>;
  const sum = (numberOf: (step: Step) => number) => steps.reduce((all, step) => all + numberOf(step), 0);
  const enforced = byVerdict((verdict) => sum((step) => step.enforced[verdict]));
  const decisions = verdicts.reduce((all, verdict) => all + enforced[verdict], 0);
  const blocked = blockedOf(enforced);
  return {
    since: iso(since),
    started_at: iso(startedMs),
    at: iso(now()),
    window: name,
    step_s: stepMs / 1000,
    series: {
      at: steps.map(({ atMs }) => atMs / 1000),
      enforced: byVerdict((verdict) => series((step) => step.enforced[verdict])),
      would_block: series((step) => step.would_block),
      p50_us: series((step) => step.latency.p50_us),
      p90_us: series((step) => step.latency.p90_us),
      p99_us: series((step) => step.latency.p99_us),
    },
    totals: {
      decisions,
      blocked,
      blocked_ratio: decisions === 0 ? null : blocked / decisions,
      would_block: sum((step) => step.would_block),
      enforced,
      decided: byVerdict((verdict) => sum((step) => step.decided[verdict])),
    },
    agents: agents.filter((one) => one.blocked + one.would_block > 0).slice(0, mostShown),
    rules: rules.slice(0, mostShown),
    latency,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
