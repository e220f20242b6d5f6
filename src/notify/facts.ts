import { isBodyUnread } from "../approvals/draft.js";
import type { ApprovalView } from "../approvals/view.js";
import { mixedText } from "./alphabets.js";
import type { ApprovalNotice, Notice } from "./notice.js";
import { visible } from "./visible.js";

/** One line about an approval. Both are plain text without characters that cannot be seen. */
export interface Fact {
  title: string;
  text: string;
}

/** What makes the call of an approval risky, and what is asked of people; without the call itself. */
export function factsOf({ kind, approval, risk }: ApprovalNotice): Fact[] {
  const { session, history } = risk;
  const { initiated_by: initiator } = approval.requested_by;
  const escalation = kind === "approval.escalated" ? approval.escalation : undefined;
  const facts: [title: string, text: string | null][] = [
    ["Call", callTitle(approval)],
    ["Look-alikes", mixedText(approval.call)],
    ["Asked by", approval.requested_by.agent + (initiator === undefined ? "" : `, started by ${initiator}`)],
    ["Environment", risk.environment ?? "not known"],
    ["Rules", risk.rules.join(", ")],
    ...approval.violations.map(({ message }): [string, string] => ["Why", message]),
    ["Body", isBodyUnread(approval.call) ? "was not read: what is in it is not shown" : null],
    ["Cost", String(risk.cost)],
    ["Session", session === null ? "nothing is remembered of it" : sessionText(session)],
    ["History", historyText(history)],
    ["Same action before", sameText(history.same_action)],
    ["Approvals needed", approversText(approval.quorum, escalation?.approvers ?? approval.approvers)],
    ["Escalated to", escalation === undefined ? null : escalation.to.join(", ")],
    ["Expires", approval.expires_at],
  ];
  return facts.flatMap(([title, text]) => (text === null || text === "" ? [] : [{ title, text: visible(text) }]));
}

/** `tool action`, for the first line. */
export function callTitle({ call }: Pick<ApprovalView, "call">): string {
  const { tool = null, action = null } = call !== null && typeof call === "object" && !Array.isArray(call) ? call : {};
  return [tool, action].map((part) => visible(typeof part === "string" ? part : "unknown")).join(" ");
}

/** What became of an approval, and who answered: `approved by alice@example.com: "go ahead"`. */
export function outcomeOf({ status, decisions }: Pick<ApprovalView, "status" | "decisions">): string {
  const said = decisions.map(({ approver, decision, comment }) =>
    visible(`${answers[decision]} by ${approver}${comment === undefined ? "" : `: "${comment}"`}`),
  );
  return [outcomes[status], ...said].join("; ");
}

const outcomes: Record<ApprovalView["status"], string> = {
  pending: "waiting for people",
  approved: "approved",
  denied: "not approved",
  expired: "expired",
  consumed: "approved, and the call was let through",
};

const answers: Record<ApprovalView["decisions"][number]["decision"], string> = {
  approve: "approved",
  deny: "denied",
  revoke: "revoked",
};

/** A budget that runs out, or counters that were lost, in a sentence. */
export function sentenceOf(notice: Exclude<Notice, ApprovalNotice>): string {
  switch (notice.kind) {
    case "budget.warning": {
      const { agent_id, session_id, limit, mode, percent, refused, used, most } = notice;
      const whose = limit === "session_budget" ? `session ${session_id} of agent ${agent_id}` : `agent ${agent_id}`;
      const which = limit === "session_budget" ? "the session's budget" : "the day's budget";
      const shadow = mode === "shadow" ? " (in shadow: nothing is refused for it)" : "";
      if (refused) {
        return visible(`A call of ${whose} costs more than is left of ${which}: ${used} of ${most} are used${shadow}`);
      }
      return visible(`${percent} % of ${which} are used by ${whose}: ${used} of ${most}${shadow}`);
    }
    case "counters.lost":
      return visible(`The store has lost counters of agent ${notice.agent_id}; limits go on from what is known here`);
    default:
      return notice satisfies never;
  }
}

function sessionText(session: NonNullable<ApprovalNotice["risk"]["session"]>): string {
  const { id, integrity, anomalies, data_classification: data, calls, refused } = session;
  const seen = data.length === 0 ? "" : `, has seen ${data.join(", ")}`;
  return `${id}: ${integrity}, ${anomalies} anomalies, ${calls} calls, ${refused} refused${seen}`;
}

function historyText({ looked, approved, denied, expired, pending }: ApprovalNotice["risk"]["history"]): string {
  if (looked === 0) return "the first approval of this agent";
  return `of its ${looked} newest: ${approved} approved, ${denied} denied, ${expired} expired, ${pending} pending`;
}

function sameText({ approved, denied, last_at: last }: ApprovalNotice["risk"]["history"]["same_action"]): string {
  if (approved + denied === 0) return "never";
  return `${approved} approved, ${denied} denied${last === null ? "" : `, last ${last}`}`;
}

function approversText(quorum: number, approvers: ApprovalView["approvers"]): string {
  const who = approvers.map((groups) => groups.join(" or ")).join(", and of ");
  return who === "" ? `${quorum} of any approvers` : `${quorum}, of ${who}`;
}
