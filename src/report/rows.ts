import { callsIn, type RecordedDecision } from "../audit/form.js";
import type { Violation } from "../verdict.js";
import { Frequent } from "./frequent.js";
import { type Group, keyOf, scopeOf } from "./scope.js";
import { boundOf, Threshold } from "./threshold.js";

/** What calls of a rule are told apart by. */
export type By = "agent" | "action";

export interface Example {
  decision_id: string;
  timestamp: string;
  agent: string | null;
  tool: string | null;
  action: string | null;
  message: string;
}

/** What is known of one rule, or of one rule and group. */
export interface Row {
  rule: string;
  group: Group;
  would_block: number;
  blocked: number;
  beside: number;
  examples: Example[];
  refused: Frequent;
  /** Keys of the scopes it has judged; `null` when there were too many to tell apart. */
  scopes: Set<string> | null;
}

/** Bounds on what is kept, whatever the records hold. */
const most = { rows: 1_000, scopes: 10_000, thresholds: 200, shown: 200 };

/** The rules that spoke against calls, in bounded memory. */
export class Rows {
  readonly #by: By | null;
  readonly #examples: number;
  readonly #rows = new Map<string, Row>();
  readonly #thresholds = new Map<string, Threshold>();
  readonly #scopes = new Set<string>();
  /** Numeric rules for which there was no room. */
  left = new Set<string>();

  constructor(by: By | null, examples: number) {
    this.#by = by;
    this.#examples = examples;
  }

  /** The most telling first. */
  all(): Row[] {
    return [...this.#rows.values()].sort(
      (a, b) => b.would_block - a.would_block || b.blocked - a.blocked || (a.rule < b.rule ? -1 : 1),
    );
  }

  /** By rule, then as they came. */
  thresholds(): Threshold[] {
    return [...this.#thresholds.values()].sort((a, b) => (a.rule < b.rule ? -1 : Number(a.rule > b.rule)));
  }

  /** Counts each of the rules once for a call, however often the call broke it. */
  add(record: RecordedDecision, violations: readonly Violation[], fate: "would_block" | "blocked" | "beside"): void {
    const seen = new Set<Row>();
    for (const violation of violations) {
      const row = this.#rowOf(violation.rule, record);
      if (!seen.has(row)) {
        seen.add(row);
        row[fate] += callsIn(record);
        this.#addScope(row, keyOf(scopeOf(violation.rule, record)));
        if (fate === "would_block" && row.examples.length < this.#examples)
          row.examples.push(exampleOf(record, violation));
      }
      if (fate !== "would_block") continue;
      if (boundOf(violation) !== null) this.#addThreshold(record, violation);
      else for (const value of refusedBy(violation)) row.refused.add(value);
    }
  }

  #rowOf(rule: string, record: RecordedDecision): Row {
    const group = groupOf(this.#by, record);
    const own = JSON.stringify([rule, group]);
    const full = !this.#rows.has(own) && this.#rows.size >= most.rows;
    const key = full ? JSON.stringify([rule, "more"]) : own;
    const row = this.#rows.get(key) ?? {
      rule,
      group: full ? { more: true } : group,
      would_block: 0,
      blocked: 0,
      beside: 0,
      examples: [],
      refused: new Frequent(),
      scopes: new Set<string>(),
    };
    this.#rows.set(key, row);
    return row;
  }

  #addScope(row: Row, key: string): void {
    if (this.#scopes.size < most.scopes) this.#scopes.add(key);
    if (this.#scopes.has(key)) row.scopes?.add(key);
    else row.scopes = null;
  }

  #addThreshold(record: RecordedDecision, violation: Violation): void {
    const { agent_id: agent, tool, action } = record;
    const group = { tool, action, ...(this.#by === "agent" && { agent }) };
    const key = JSON.stringify([violation.rule, group]);
    const known = this.#thresholds.get(key);
    if (!known && this.#thresholds.size >= most.thresholds) {
      this.left.add(violation.rule);
      return;
    }
    const bound = boundOf(violation);
    if (bound === null) return;
    const threshold = known ?? new Threshold(violation.rule, bound, group);
    threshold.see(bound.limit, Date.parse(record.timestamp));
    threshold.scopes.add(keyOf(scopeOf(violation.rule, record)));
    this.#thresholds.set(key, threshold);
  }
}

function groupOf(by: By | null, { agent_id, tool, action }: RecordedDecision): Group {
  if (by === "agent") return { agent: agent_id };
  return by === "action" ? { tool, action } : {};
}

function exampleOf(
  { decision_id, timestamp, agent_id, tool, action }: RecordedDecision,
  { message }: Violation,
): Example {
  return { decision_id, timestamp, agent: agent_id, tool, action, message };
}

/** What the call had in place of what the rule permits: a text, or each of a list. */
function refusedBy({ param, actual }: Violation): string[] {
  if (actual === undefined) return [];
  const values = Array.isArray(actual) ? actual : [actual];
  return values.map((value) => {
    const text = (typeof value === "string" ? value : JSON.stringify(value)).slice(0, most.shown);
    return param === undefined ? text : `${param}=${text}`;
  });
}
