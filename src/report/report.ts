import { callsIn, type RecordedDecision } from "../audit/form.js";
import { type ReadOptions, type RecordFile, readDecisions } from "../audit/read.js";
import { type Span, within } from "../audit/span.js";
import { objectionsTo } from "./objections.js";
import { type By, type Example, type Row, Rows } from "./rows.js";
import { type Group, keysOf } from "./scope.js";
import type { Threshold } from "./threshold.js";

/** Of lists of the report. */
const shown = { agents: 10, refused: 5 };
const maxAgents = 10_000;

export interface ReportOptions {
  span: Span;
  /** Tells the calls of a rule apart; `null` = not at all. */
  by: By | null;
  /** Example calls for each row. */
  examples: number;
  /** Above 0, at most 100, at most three decimals. */
  percent: number;
  done?: NonNullable<ReadOptions["done"]>;
}

export interface RuleReport extends Group {
  rule: string;
  /** Calls of the same agents, tools and actions; `null` when they were too many to tell apart. */
  judged: number | null;
  /** Calls let through that the rule would have stopped. */
  would_block: number;
  /** `would_block` of `judged`, 0 to 1. */
  rate: number | null;
  /** Calls that were stopped, by this rule among others. */
  blocked: number;
  /** Calls that were stopped by others and that broke the rule in shadow. */
  beside: number;
  examples: Example[];
  /** What the calls had that the rule does not permit; `missed` is how much too low a count can be. */
  refused: { values: { value: string; count: number }[]; missed: number };
}

export interface ThresholdReport extends Group {
  rule: string;
  param: string;
  limit: number;
  /** The strictest limit that at least `percent` of the numbers keep. */
  suggested: number | null;
  percent: number;
  values: number;
  masked: number;
  absent: number;
  not_numbers: number;
  /** Significant digits that the numbers were rounded to; `null` = exact. */
  digits: number | null;
}

interface AgentReport {
  agent: string | null;
  decisions: number;
  would_block: number;
  blocked: number;
}

export interface ShadowReport {
  /** Timestamps of the first and the last decision; `null` when there is none. */
  first: string | null;
  last: string | null;
  decisions: number;
  would_block: number;
  blocked: number;
  rules: RuleReport[];
  thresholds: ThresholdReport[];
  /** Numeric rules for which no limit is suggested, since there were too many. */
  thresholds_left_out: string[];
  /** Agents with the most calls that would have been blocked. */
  agents: AgentReport[];
  /** Places of lines that were not finished. */
  torn: string[];
  /** Nobody checked who wrote the records. */
  verified: false;
}

/**
 * What shadow mode would have blocked. Reads the files twice, since which numbers matter is known only when all broken
 * rules are; memory stays bounded. Throws `UnreadableRecord`.
 */
export async function shadowReport(files: readonly RecordFile[], options: ReportOptions): Promise<ShadowReport> {
  const { span, by, examples, percent } = options;
  const rows = new Rows(by, examples);
  const counts = { decisions: 0, would_block: 0, blocked: 0 };
  const agents = new Agents();
  const torn: string[] = [];
  let [first, last] = [null, null] as [string | null, string | null];

  const done = options.done ? { done: options.done } : {};
  for await (const { record } of readDecisions(files, { ...done, torn: (place) => torn.push(place) })) {
    if (!within(span, record.timestamp)) continue;
    const { fate, decisive, beside } = objectionsTo(record);
    const calls = callsIn(record);
    counts.decisions += calls;
    if (fate !== "passed") counts[fate] += calls;
    agents.add(record.agent_id, fate, calls);
    if (fate !== "passed") rows.add(record, decisive, fate);
    rows.add(record, beside, "beside");
    const from = record.aggregated?.from ?? record.timestamp;
    if (first === null || from < first) first = from;
    if (last === null || record.timestamp > last) last = record.timestamp;
  }

  const calls = await countCalls(files, span, rows, done);
  return {
    first,
    last,
    ...counts,
    rules: rows.all().map((row) => ruleReport(row, calls)),
    thresholds: rows.thresholds().map((threshold) => thresholdReport(threshold, percent)),
    thresholds_left_out: [...rows.left].sort(),
    agents: agents.top(shown.agents),
    torn,
    verified: false,
  };
}

/** Calls of each scope that a rule was broken in, by its key. Shows them to the thresholds on the way. */
async function countCalls(
  files: readonly RecordFile[],
  span: Span,
  rows: Rows,
  done: Pick<ReadOptions, "done">,
): Promise<ReadonlyMap<string, number>> {
  const calls = new Map(
    rows.all().flatMap(({ scopes }) => [...(scopes ?? [])].map((key): [string, number] => [key, 0])),
  );
  const thresholds = new Map<string, Threshold[]>();
  for (const threshold of rows.thresholds()) {
    for (const key of threshold.scopes) thresholds.set(key, [...(thresholds.get(key) ?? []), threshold]);
  }
  if (calls.size === 0) return calls;
  for await (const { record } of readDecisions(files, done)) {
    if (within(span, record.timestamp)) {
      for (const key of keysOf(record)) {
        const count = calls.get(key);
        if (count !== undefined) calls.set(key, count + callsIn(record));
        for (const threshold of thresholds.get(key) ?? []) threshold.count(record);
      }
    }
  }
  return calls;
}

function ruleReport({ rule, group, scopes, refused, ...row }: Row, calls: ReadonlyMap<string, number>): RuleReport {
  const judged = scopes && [...scopes].reduce((sum, key) => sum + (calls.get(key) ?? 0), 0);
  return {
    rule,
    ...group,
    judged,
    would_block: row.would_block,
    rate: judged ? row.would_block / judged : null,
    blocked: row.blocked,
    beside: row.beside,
    examples: row.examples,
    refused: { values: refused.top(shown.refused), missed: refused.missed },
  };
}

function thresholdReport(threshold: Threshold, percent: number): ThresholdReport {
  const { rule, param, group, limit, values, masked, absent, notNumbers, digits } = threshold;
  const suggested = threshold.permitting(percent);
  return { rule, param, ...group, limit, suggested, percent, values, masked, absent, not_numbers: notNumbers, digits };
}

/** Counts for each agent; agents beyond `maxAgents` count together, as `null`. */
class Agents {
  readonly #agents = new Map<RecordedDecision["agent_id"], AgentReport>();

  add(agent: string | null, fate: "passed" | "would_block" | "blocked", calls: number): void {
    const key = this.#agents.has(agent) || this.#agents.size < maxAgents ? agent : null;
    const counts = this.#agents.get(key) ?? { agent: key, decisions: 0, would_block: 0, blocked: 0 };
    counts.decisions += calls;
    if (fate !== "passed") counts[fate] += calls;
    this.#agents.set(key, counts);
  }

  top(limit: number): AgentReport[] {
    return [...this.#agents.values()]
      .filter(({ would_block }) => would_block > 0)
      .sort((a, b) => b.would_block - a.would_block || (String(a.agent) < String(b.agent) ? -1 : 1))
      .slice(0, limit);
  }
}
