import type { Button, KnownBlock } from "@slack/web-api";
import { isBodyUnread } from "../approvals/draft.js";
import type { ApprovalView } from "../approvals/view.js";
import { callTitle, type Fact, factsOf, sentenceOf } from "./facts.js";
import type { ApprovalNotice, Notice } from "./notice.js";
import { button, buttons, escaped, factLines, fits, header, lines, preformatted, textInput } from "./slack_blocks.js";
import type { SlackMessage } from "./slack_client.js";
import { actionIds, type ButtonValue, commentId } from "./slack_payload.js";
import { visible, visibleJson } from "./visible.js";

/** Longest comment, as everywhere. */
const maxComment = 2000;

/**
 * Asks for an answer. Approve and Deny are there only when everything is: a call that does not fit is answered on the
 * page, where it is whole.
 */
export function openedMessage(notice: ApprovalNotice): SlackMessage {
  const { approval, url } = notice;
  const facts = factLines("facts", factsOf(notice));
  const json = visibleJson(approval.call);
  const count = json.split("\n").length;
  const page = button(actionIds.open, "Open the page", { url });
  const whole = [
    header("Approval needed"),
    facts,
    lines("heading", { text: `Exactly this call, ${count} lines:`, bold: true }),
    preformatted("call", json),
    textInput(commentId, "Comment", maxComment),
    buttons(...answerButtons(approval), page),
  ];
  const asked = `Approval needed: agent ${approval.requested_by.agent} asks, ${approval.id}`;
  return message(asked, firstFitting(whole, ...withoutCall(facts, page)));
}

/** The call, or a fact about it, is missing, and so are the buttons that answer. */
function withoutCall(facts: KnownBlock, page: Button): KnownBlock[][] {
  const why = "This call is too long to be shown here whole. Read it on the page, and answer there.";
  const tooLong = lines("too_long", { text: why, bold: true });
  return [
    [header("Approval needed"), facts, tooLong, buttons(page)],
    [header("Approval needed"), tooLong, buttons(page)],
  ];
}

/** Nobody approves at a glance what nobody can see. */
function answerButtons({ id, shown, call }: ApprovalView): Button[] {
  const value = JSON.stringify({ id, shown } satisfies ButtonValue);
  const approve = button(actionIds.approve, "Approve", { value, style: "primary" });
  const deny = button(actionIds.deny, "Deny", { value, style: "danger" });
  return isBodyUnread(call) ? [deny] : [approve, deny];
}

/** Takes the place of the message that asked: what became of it, who answered, when and with which words. */
export function closedMessage({ approval, url }: Pick<ApprovalNotice, "approval" | "url">): SlackMessage {
  const title = titleOf(approval);
  const agent = visible(approval.requested_by.agent);
  const said = approval.decisions.map(({ approver, decision, at, comment }) => ({
    title: decisions[decision],
    text: visible(`${approver}, ${at}${comment === undefined ? "" : `: ${comment}`}`),
  }));
  const facts: Fact[] = [{ title: "Call", text: callTitle(approval) }, { title: "Asked by", text: agent }, ...said];
  const link = lines("page", { text: "The approval on its page", url });
  const head = [header(title), factLines("facts", facts)];
  const call = preformatted("call", visibleJson(approval.call));
  const brief = factLines("facts", facts.slice(0, 2));
  return message(
    `${title}: ${approval.id}`,
    firstFitting([...head, call, link], [...head, link], [head[0], brief, link]),
  );
}

const titles: Record<ApprovalView["status"], string> = {
  pending: "Approval needed",
  approved: "Approved",
  denied: "Denied",
  expired: "Expired",
  consumed: "Approved and used",
};

const decisions: Record<ApprovalView["decisions"][number]["decision"], string> = {
  approve: "Approved by",
  deny: "Denied by",
  revoke: "Revoked by",
};

function titleOf({ status, decisions: given }: ApprovalView): string {
  return status === "denied" && given.at(-1)?.decision === "revoke" ? "Revoked" : titles[status];
}

/** In the thread of the message that asked. */
export function escalatedMessage({ approval, url }: ApprovalNotice): SlackMessage {
  const groups = visible(approval.escalation?.to.join(", ") ?? "");
  const text = `Nobody has decided yet. Members of ${groups} may answer now as well. It expires ${approval.expires_at}.`;
  return message(`Still waiting for an answer: ${approval.id}`, [
    lines("escalated", { text: `${text} ` }, { text: "The approval on its page", url }),
  ]);
}

/** About budgets and counters. */
export function shortMessage(notice: Exclude<Notice, ApprovalNotice>): SlackMessage {
  const text = sentenceOf(notice);
  return message(text, [lines("notice", { text })]);
}

/** For one person. */
export function toldMessage(words: string): SlackMessage {
  const text = visible(words);
  return message(text, [lines("told", { text })]);
}

/** The text is for notifications: it holds nothing of the call, which others could read over a shoulder. */
function message(text: string, blocks: KnownBlock[]): SlackMessage {
  return { text: escaped(visible(text)), blocks };
}

/** The last one is short enough by itself. */
function firstFitting(...choices: readonly (readonly (KnownBlock | undefined)[])[]): KnownBlock[] {
  const given = choices.map((blocks) => blocks.filter((block) => block !== undefined));
  return given.find(fits) ?? given.at(-1) ?? [];
}
