import type { AuditRecord } from "../audit_query/readable.js";

/** Heads of the columns that fit a terminal. */
export const recordHead = ["time", "kind", "agent", "what", "environment", "verdict", "reason", "id"];

/** One record in those columns; what it is about depends on its kind. */
export function recordLine(record: AuditRecord): string[] {
  const shown = Object.values(cells(record)).map((cell) => (typeof cell === "string" && cell !== "" ? cell : "-"));
  return [record.timestamp, record.kind, ...shown];
}

interface Cells {
  agent: unknown;
  what: unknown;
  environment: unknown;
  verdict: unknown;
  reason: unknown;
  id: unknown;
}

function cells(record: AuditRecord): Cells {
  switch (record.kind) {
    case "decision":
      return { ...callOf(record), verdict: verdictOf(record), reason: reasonOf(record), id: record.decision_id };
    case "outcome":
      return { ...callOf(record), verdict: record.outcome, reason: `status ${record.status}`, id: record.decision_id };
    case "approval": {
      const { agent_id: agent, approver: what, decision: verdict, outcome: reason, approval_id: id } = record;
      return { agent, what, environment: null, verdict, reason, id };
    }
    case "policy":
      return { ...nobody, what: record.policy_version, verdict: record.event, reason: record.detail };
    case "admin":
      return { ...nobody, agent: record.agent_id, what: record.act, reason: record.by };
    default:
      return record satisfies never;
  }
}

const nobody: Cells = { agent: null, what: null, environment: null, verdict: null, reason: null, id: null };

function callOf({ agent_id, tool, action, environment }: Extract<AuditRecord, { kind: "decision" | "outcome" }>) {
  return { agent: agent_id, what: tool === null ? null : `${tool}:${action ?? "-"}`, environment };
}

/** What was said, and what the call was answered where that is something else. */
function verdictOf({ decision, enforced }: Extract<AuditRecord, { kind: "decision" }>): string {
  return decision === enforced ? decision : `${decision} (${enforced})`;
}

function reasonOf({ reason, aggregated }: Extract<AuditRecord, { kind: "decision" }>): string {
  return aggregated === undefined ? reason : `${reason} (${aggregated.count} calls)`;
}
