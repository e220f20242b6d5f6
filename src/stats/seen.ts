import { type Verdict, verdicts } from "../verdict.js";
import { histogramCells, percentileOf } from "./histogram.js";

export interface AgentCount {
  /** `unknown`: callers whom nobody knows; `other`: agents for which there was no room. */
  who: "agent" | "unknown" | "other";
  agent_id: string | null;
  calls: number;
  blocked: number;
  would_block: number;
}

export interface RuleCount {
  /** `null` = those for which there was no room. */
  rule: string | null;
  blocked: number;
  would_block: number;
}

/** Calls of one step, by what was done with them, and how long their decisions took. */
export interface Step {
  /** When it begins, in milliseconds since the epoch. */
  atMs: number;
  enforced: Record<Verdict, number>;
  decided: Record<Verdict, number>;
  would_block: number;
  latency: Latency;
}

/** Microseconds; `null` = there was no decision. */
export interface Latency {
  p50_us: number | null;
  p90_us: number | null;
  p99_us: number | null;
}

export interface Seen {
  /** Oldest first; the last one is still going on. */
  steps: Step[];
  latency: Latency;
  /** Those with most calls that were blocked, or would have been, first. */
  agents: AgentCount[];
  rules: RuleCount[];
}

/** What is counted of one step: `cells` are those of the histogram of durations. */
export interface StepNumbers extends Omit<Step, "latency"> {
  cells: Float64Array;
}

/** What one process has counted. */
export interface WindowNumbers {
  steps: StepNumbers[];
  agents: AgentCount[];
  rules: RuleCount[];
}

/** What several processes have counted, as one; the steps are those of the first. */
export function seenIn(all: readonly WindowNumbers[]): Seen {
  const total = new Float64Array(histogramCells);
  const steps = (all[0]?.steps ?? []).map(({ atMs }): Step => {
    // Processes that are asked around the end of a minute may begin their steps differently.
    const same = all.flatMap(({ steps }) => steps.find((step) => step.atMs === atMs) ?? []);
    const cells = new Float64Array(histogramCells);
    for (const one of same) addTo(cells, one.cells);
    addTo(total, cells);
    return {
      atMs,
      enforced: byVerdict((verdict) => sumOf(same, ({ enforced }) => enforced[verdict])),
      decided: byVerdict((verdict) => sumOf(same, ({ decided }) => decided[verdict])),
      would_block: sumOf(same, ({ would_block }) => would_block),
      latency: latencyOf(cells),
    };
  });
  const agents = together(
    all.flatMap(({ agents }) => agents),
    ({ who, agent_id }) => `${who} ${agent_id}`,
    addAgent,
  );
  const rules = together(
    all.flatMap(({ rules }) => rules),
    ({ rule }) => String(rule),
    addRule,
  );
  return {
    steps,
    latency: latencyOf(total),
    agents: agents.sort((a, b) => b.blocked + b.would_block - a.blocked - a.would_block || b.calls - a.calls),
    rules: rules.sort((a, b) => b.blocked + b.would_block - a.blocked - a.would_block),
  };
}

function together<T>(all: readonly T[], keyOf: (one: T) => string, add: (a: T, b: T) => T): T[] {
  const found = new Map<string, T>();
  for (const one of all) {
    const known = found.get(keyOf(one));
    found.set(keyOf(one), known === undefined ? one : add(known, one));
  }
  return [...found.values()];
}

function addAgent(a: AgentCount, b: AgentCount): AgentCount {
  return { ...addRule(a, b), calls: a.calls + b.calls };
}

function addRule<T extends { blocked: number; would_block: number }>(a: T, b: T): T {
  return { ...a, blocked: a.blocked + b.blocked, would_block: a.would_block + b.would_block };
}

function byVerdict(numberOf: (verdict: Verdict) => number): Record<Verdict, number> {
  return Object.fromEntries(verdicts.map((verdict) => [verdict, numberOf(verdict)])) as Record<Verdict, number>;
}

function sumOf<T>(all: readonly T[], numberOf: (one: T) => number): number {
  return all.reduce((sum, one) => sum + numberOf(one), 0);
}

function addTo(sums: Float64Array, cells: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (cells[i] ?? 0);
}

function latencyOf(cells: Float64Array): Latency {
  return { p50_us: percentileOf(cells, 0.5), p90_us: percentileOf(cells, 0.9), p99_us: percentileOf(cells, 0.99) };
}
