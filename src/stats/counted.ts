import type { RecordedDecision } from "../audit/form.js";
import type { DecisionRecord } from "../audit/record.js";
import { objectionsTo } from "../report/objections.js";
import { letsThrough, type Verdict } from "../verdict.js";

/** What is counted of one record of a decision. */
export interface Counted {
  atMs: number;
  /** Calls that the record stands for, >= 1. */
  count: number;
  /** `null` = a caller whom nobody knows. */
  agent: string | null;
  decision: Verdict;
  enforced: Verdict;
  /** `would_block`: let through, and refused or held for approval had everything been enforced. */
  fate: "passed" | "would_block" | "blocked";
  /** What the fate rests on, each once: keys of rules, or the reason where no rule did it. Empty for what passed. */
  rules: string[];
  /** Microseconds; of several calls their mean. */
  latencyUs: number;
}

type Record = Pick<
  DecisionRecord,
  "timestamp" | "agent_id" | "decision" | "enforced" | "reason" | "latency_us" | "aggregated"
>;

/** Reads a record of a decision. It must have the form that `faultOfDecision` holds, and a latency. */
export function countedOf(record: Record): Counted {
  const { timestamp, agent_id: agent, decision, enforced, latency_us: latencyUs, aggregated } = record;
  const passed = letsThrough(enforced) && letsThrough(decision);
  const { fate, decisive } = passed ? nothing : objectionsTo(recorded(record));
  return {
    atMs: Date.parse(timestamp),
    count: aggregated?.count ?? 1,
    agent,
    decision,
    enforced,
    fate,
    rules: passed ? [] : [...new Set(decisive.map(({ rule }) => rule))],
    latencyUs,
  };
}

const nothing = { fate: "passed" as const, decisive: [] };

/** What is written is what will be read. */
function recorded(record: Record): RecordedDecision {
  return record as unknown as RecordedDecision;
}
