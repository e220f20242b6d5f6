import { within } from "../audit/span.js";
import { canonicalJson } from "../canonical.js";
import type { AuditRecord } from "./readable.js";

/** Members of records that a search can ask for, each as the whole value of a text. */
export const equalities = [
  "decision_id",
  "deployment_id",
  "agent_id",
  "session_id",
  "tool",
  "action",
  "service",
  "environment",
  "decision",
  "enforced",
  "reason",
  "kind",
  "approval_id",
  "request_id",
] as const;
export type Equality = (typeof equalities)[number];

/** What records a search is for: those that have all of it. */
export type Filter = Partial<Record<Equality, string>> & {
  /** Who answered: `approver` of a record of kind approval, or one of those who approved a call. */
  approver?: string;
  /** Milliseconds since 1970; `fromMs` belongs to the span, `toMs` does not. */
  fromMs?: number;
  toMs?: number;
};

/** What has to stand in a line, as it stands there: lines are RFC 8785, so a member has one spelling. */
export function needlesOf(filter: Filter): Buffer[] {
  const named = [...equalities, "approver" as const].flatMap((name) => {
    const value = filter[name];
    return value === undefined ? [] : [Buffer.from(`${canonicalJson(name)}:${canonicalJson(value)}`)];
  });
  // The rarest first would be best; the longest is a good guess.
  return named.sort((a, b) => b.length - a.length);
}

/** True for a record that has all that the filter asks for. */
export function matches(filter: Filter, record: AuditRecord): boolean {
  const members: { [name: string]: unknown } = { ...record };
  const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY, approver } = filter;
  return (
    equalities.every((name) => filter[name] === undefined || members[name] === filter[name]) &&
    (approver === undefined || approversOf(record).includes(approver)) &&
    within({ fromMs, toMs }, record.timestamp)
  );
}

/** The people whose answers a record tells of. */
export function approversOf(record: AuditRecord): string[] {
  if (record.kind === "approval") return [record.approver];
  const { human_approval: humans } = record as { human_approval?: unknown };
  return (Array.isArray(humans) ? humans : []).flatMap((human: { approver?: unknown } | null) =>
    typeof human?.approver === "string" ? [human.approver] : [],
  );
}
