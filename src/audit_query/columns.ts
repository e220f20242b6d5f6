import { z } from "zod";
import { approversOf } from "./filter.js";
import type { AuditRecord } from "./readable.js";
import type { Found } from "./search.js";

/** Types of columns, as the engine calls them. */
export type ColumnType = "VARCHAR" | "BIGINT" | "TIMESTAMP" | "JSON";

/** One column of the table `records`. */
export interface Column {
  name: string;
  type: ColumnType;
  /** What is in it, for the manual. */
  says: string;
  /** `null` where a record has no such member, or one of another type. */
  of(found: Found): string | bigint | null;
}

const member = (name: string, says: string, type: "VARCHAR" | "TIMESTAMP" = "VARCHAR"): Column => ({
  name,
  type,
  says,
  of: ({ record }) => textIn(record, name),
});
const count = (name: string, says: string): Column => ({
  name,
  type: "BIGINT",
  says,
  of: ({ record }) => countIn(record, name),
});

/**
 * The columns of `records`, in order. They are made of what was checked here, never guessed from the records, so no record
 * can change what type a column has.
 */
export const columns: readonly Column[] = [
  member("kind", "`decision`, `outcome`, `approval`, `policy` or `admin`"),
  {
    name: "timestamp",
    type: "TIMESTAMP",
    says: "when, in UTC",
    of: ({ record }) => record.timestamp.replace("T", " ").replace("Z", ""),
  },
  member("writer", "whose chain it is in"),
  count("seq", "its place in the chain"),
  { name: "segment", type: "VARCHAR", says: "name of its file", of: ({ segment }) => segment.name },
  member("decision_id", "of the decision, or of the one whose outcome it is"),
  member("deployment_id", "the deployment that it belongs to"),
  member("workflow_run_id", "of the session"),
  member("session_id", "of the session"),
  member("agent_id", "the agent"),
  member("agent_model", "its model, as registered"),
  member("tool", "of the call"),
  member("action", "of the call"),
  member("environment", "of the call"),
  member("service", "of the call"),
  member("image_tag", "of the call"),
  member("decision", "the computed verdict; of human answers `approve`, `deny` or `revoke`"),
  member("enforced", "what the call was answered"),
  member("mode", "`enforce` or `shadow`"),
  member("reason", "why"),
  member("outcome", "what it led to; of kind `outcome` what became of the call"),
  count("status", "HTTP status of the upstream's answer"),
  count("latency_us", "how long the decision took, in microseconds"),
  count("duration_us", "how long the whole call took, in microseconds"),
  {
    name: "policy_version",
    type: "VARCHAR",
    says: "the policies that judged it, or that were loaded",
    of: ({ record }) =>
      textIn(record, "policy_version") ?? textIn(Object(memberOf(record, "opa_decision")), "policy_version"),
  },
  member("approval_id", "the approval that it opened, used up or answered"),
  {
    name: "approver",
    type: "VARCHAR",
    says: "who answered, or those who approved the call, with a comma between",
    of: ({ record }) => approversOf(record).join(",") || null,
  },
  member("act", "of kind `admin`: what was done"),
  member("by", "of kinds `admin` and `policy`: who did it"),
  member("fingerprint", "of the call"),
  member("request_id", "Envoy's id of the stream"),
  member("trace_id", "W3C trace id"),
  {
    name: "calls",
    type: "BIGINT",
    says: "how many calls the record stands for: 1, or more where refusals were counted together",
    of: ({ record }) =>
      record.kind === "decision" ? (countIn(Object(memberOf(record, "aggregated")), "count") ?? 1n) : null,
  },
  { name: "record", type: "JSON", says: "the whole record", of: ({ line }) => line.toString("utf8") },
];

/** Views of one kind of record each, with the columns of `records`. */
export const views = {
  decisions: "decision",
  outcomes: "outcome",
  approvals: "approval",
  policies: "policy",
  admin_acts: "admin",
} as const satisfies Record<string, AuditRecord["kind"]>;

function memberOf(value: object, name: string): unknown {
  return (value as { [name: string]: unknown })[name];
}

function textIn(value: object, name: string): string | null {
  const text = memberOf(value, name);
  return typeof text === "string" ? text : null;
}

const whole = z.int();

function countIn(value: object, name: string): bigint | null {
  const read = whole.safeParse(memberOf(value, name));
  return read.success ? BigInt(read.data) : null;
}
