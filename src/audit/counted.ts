import type { Json } from "../call.js";
import type { CountedCall, DecisionRecord } from "./record.js";

/** The record of refusals that are counted instead of being recorded one by one. */
export type CountedRecord = DecisionRecord & Required<Pick<DecisionRecord, "aggregated">>;

/** Members in which refusals that are counted together may differ. */
const varying = [
  "deployment_id",
  "workflow_run_id",
  "session_id",
  "agent_model",
  "action",
  "environment",
  "service",
  "image_tag",
  "fingerprint",
  "approval_id",
  "trace_id",
  "request_id",
  "http",
  "token",
] as const satisfies (keyof DecisionRecord)[];

/** Longest value that is kept of what refusals have in common, in characters of its JSON: agents choose these. */
const longest = 1_024;

/** What makes refusals alike. */
export function groupOf({ agent_id, tool, decision, enforced, mode, reason }: DecisionRecord): string {
  return JSON.stringify([agent_id, tool, decision, enforced, mode, reason]);
}

/** One refusal as a count of one. What policies and sessions said of it is not kept: it differs from call to call. */
export function countedRecordOf(record: DecisionRecord): CountedRecord {
  const { local: _, ...rest } = record;
  const kept = varying.map((name) => [name, short(record[name])]);
  return {
    ...rest,
    ...Object.fromEntries(kept),
    opa_decision: null,
    session_attestation: null,
    data_classification: null,
    anomalies: null,
    violations: rulesIn(record.violations).map((rule) => ({ rule })),
    aggregated: { count: 1, from: record.timestamp, to: record.timestamp, calls: [callOf(record)], others: 0 },
  };
}

/** Both counts together; `b` is the later one. Both are of one group. */
export function together(a: CountedRecord, b: CountedRecord): CountedRecord {
  const differing = varying.filter((name) => !isSame(a[name], b[name])).map((name) => [name, null]);
  const [counted, more] = [a.aggregated.count, b.aggregated.count];
  const count = counted + more;
  const rules = new Set(rulesIn(b.violations));
  return {
    ...b,
    ...Object.fromEntries(differing),
    violations: rulesIn(a.violations)
      .filter((rule) => rules.has(rule))
      .map((rule) => ({ rule })),
    latency_us: a.latency_us + ((b.latency_us - a.latency_us) * more) / count,
    aggregated: { count, from: a.aggregated.from, to: b.aggregated.to, ...callsOf(a.aggregated, b.aggregated) },
  };
}

/** As it is recorded. */
export function roundedOf(record: CountedRecord): CountedRecord {
  return { ...record, latency_us: Math.round(record.latency_us) };
}

/** Different calls that are named, and how long each of their words may be: agents choose them, again and again. */
const most = { calls: 8, chars: 120 };

function callOf({ action, environment, http }: DecisionRecord): CountedCall {
  const word = (text: string | null | undefined) => (text != null && text.length <= most.chars ? text : null);
  return { action: word(action), environment: word(environment), path: word(http?.path), count: 1 };
}

type Calls = Pick<CountedRecord["aggregated"], "calls" | "others">;

/** So that one refusal that matters does not vanish among many that do not, unless the agent makes them all different. */
function callsOf(a: Calls, b: Calls): Calls {
  const calls = a.calls.map((call) => ({ ...call }));
  let others = a.others + b.others;
  for (const call of b.calls) {
    const same = calls.find(
      ({ action, environment, path }) =>
        action === call.action && environment === call.environment && path === call.path,
    );
    if (same) same.count += call.count;
    else if (calls.length < most.calls) calls.push(call);
    else others += call.count;
  }
  return { calls, others };
}

function rulesIn(violations: Json): string[] {
  if (!Array.isArray(violations)) return [];
  return [...new Set(violations.map((one) => String(Object(one).rule)))];
}

function short<T>(value: T): T | null {
  const length = typeof value === "string" ? value.length : JSON.stringify(value)?.length;
  return (length ?? 0) > longest ? null : value;
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return typeof a === "object" && typeof b === "object" && JSON.stringify(a) === JSON.stringify(b);
}
