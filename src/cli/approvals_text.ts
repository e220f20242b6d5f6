import { isBodyUnread } from "../approvals/draft.js";
import { printable } from "../printable.js";
import type { ShownApproval } from "./approvals_form.js";

/** Everything of a call is shown: what people approve is the whole of it. */
const whole = Number.MAX_SAFE_INTEGER;

/** Approvals as a table, one a line. */
export function tableOf(approvals: readonly ShownApproval[]): string {
  if (approvals.length === 0) return "no approvals";
  const rows = approvals.map((one) => [
    one.id,
    one.status,
    one.requested_by.agent,
    `${wordOf(one, "tool")}:${wordOf(one, "action")}`,
    wordOf(one, "environment"),
    one.violations.map(({ rule }) => rule).join(",") || one.reason,
    one.expires_at,
  ]);
  const head = ["id", "status", "agent", "action", "environment", "because of", "expires"];
  const table = [head, ...rows].map((row) => row.map((cell) => printable(cell, 60)));
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Which call it is, on one line. */
export function titleOf(approval: ShownApproval): string {
  const what = `${wordOf(approval, "tool")}:${wordOf(approval, "action")} in ${wordOf(approval, "environment")}`;
  return printable(`${approval.requested_by.agent} asks for ${what}`, whole);
}

/** One approval: what makes it risky first, then the exact call, every character of it visible. */
export function approvalText(approval: ShownApproval): string {
  const { risk, requested_by: by, quorum, approvers, escalation, decisions } = approval;
  const groups = approvers.map((list) => list.join(" or ")).join(", and of ");
  const lines: [string, string][] = [
    ["id", approval.id],
    ["status", approval.status],
    ["agent", by.agent],
    ["started by", by.initiated_by ?? "nobody that is known"],
    ...approval.violations.map(({ rule, message }): [string, string] => ["because of", `${rule}: ${message}`]),
    ["environment", wordOf(approval, "environment")],
    ...(isBodyUnread(approval.call) ? [["body", "was not read: what is in it is not shown"] as [string, string]] : []),
    ["cost", String(approval.cost)],
    ...(risk ? riskLines(risk) : []),
    ["needs", `${quorum} of ${groups === "" ? "all approvers" : groups}`],
    ...(escalation ? [["escalates", `${escalation.at} to ${escalation.to.join(", ")}`] as [string, string]] : []),
    ["expires", approval.expires_at],
    ...decisions.map((one): [string, string] => [
      one.decision,
      `${one.approver} at ${one.at}${one.comment === undefined ? "" : `: ${one.comment}`}`,
    ]),
  ];
  const facts = lines.map(([name, value]) => `${name.padEnd(12)} ${printable(value, whole)}`);
  const call = JSON.stringify(approval.call, null, 2).split("\n");
  return [...facts, "", "the call:", ...call.map((line) => `  ${printable(line, whole)}`)].join("\n");
}

function riskLines({ session, history }: NonNullable<ShownApproval["risk"]>): [string, string][] {
  const touched = session?.data_classification.join(", ");
  return [
    ["session", session ? `${session.integrity}, ${session.anomalies} anomalies` : "nothing is known of it"],
    ...(touched ? [["data touched", touched] as [string, string]] : []),
    ["history", `${history.approved} approved, ${history.denied} denied, ${history.expired} expired`],
    ["same action", `${history.same_action.approved} approved, ${history.same_action.denied} denied`],
  ];
}

function wordOf({ call }: ShownApproval, name: string): string {
  const value = call[name];
  return typeof value === "string" ? value : "-";
}
