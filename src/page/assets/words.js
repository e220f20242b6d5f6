// @ts-check
import { Refused, Unreachable } from "./api.js";
import { now } from "./time.js";

/** @typedef {import("./api.js").Approval} Approval */
/** @typedef {import("./api.js").Decision} Decision */
/** @typedef {"waiting" | "good" | "bad" | "over"} Tone */
/** @typedef {{ text: string, tone: Tone, icon: string }} Outcome */

/** What became of an approval. @param {Approval} approval @returns {Outcome} */
export function outcomeOf({ status, decisions }) {
  if (status === "denied" && decisions.some(({ decision }) => decision === "revoke")) {
    return { text: "Revoked", tone: "bad", icon: "undo" };
  }
  return outcomes[status];
}

/** @type {Readonly<Record<Approval["status"], Outcome>>} */
const outcomes = {
  pending: { text: "Pending", tone: "waiting", icon: "clock" },
  approved: { text: "Approved, not used yet", tone: "good", icon: "check" },
  consumed: { text: "Approved and used", tone: "good", icon: "check" },
  denied: { text: "Denied", tone: "bad", icon: "cross" },
  expired: { text: "Expired", tone: "over", icon: "clock" },
};

/** @type {Readonly<Record<Decision, string>>} */
export const pastOf = { approve: "approved", deny: "denied", revoke: "revoked" };

/** How many people have approved. @param {Approval} approval */
export function approvedBy({ decisions }) {
  return new Set(decisions.filter(({ decision }) => decision === "approve").map(({ approver }) => approver)).size;
}

/** True when further groups may answer by now. @param {Approval} approval */
export function hasEscalated({ escalation }) {
  return escalation !== undefined && Date.parse(escalation.at) <= now();
}

/** Who may answer now, in words. @param {Approval} approval */
export function whoMayAnswer(approval) {
  const lists = (hasEscalated(approval) && approval.escalation?.approvers) || approval.approvers;
  if (lists.length === 0) return "any approver";
  return `members of ${lists.map((groups) => groups.join(" or ")).join(", who are also members of ")}`;
}

/** What an answer led to. @param {Approval} approval @param {Decision} decision */
export function resultOf(approval, decision) {
  if (decision === "revoke") return "You have revoked this approval. The agent can no longer use it.";
  if (decision === "deny") return "You have denied this call. The agent is told so.";
  const missing = approval.quorum - approvedBy(approval);
  if (approval.status !== "pending") return "You have approved this call. The agent may make exactly this call, once.";
  return `Your approval counts. ${missing === 1 ? "One more person has" : `${missing} more people have`} to approve.`;
}

/**
 * Why an answer was not taken. `approval` is as it is now, where that could be found out.
 *
 * @param {unknown} error
 * @param {Approval | null} approval
 * @param {string} me
 */
export function refusalOf(error, approval, me) {
  if (error instanceof Unreachable) {
    return "The server cannot be reached, so it is not known whether your answer counts. This page keeps looking.";
  }
  if (!(error instanceof Refused)) return "Something went wrong on this page. Load it again.";
  if (error.reason === "answer_unknown") {
    return "It is not known whether your answer counts: the server did not hear from its store. Look at the approval again.";
  }
  if (error.reason === "decided") return `Your answer was not taken: ${decidedBy(approval, me)}.`;
  const known = Object.hasOwn(refusals, error.reason) ? refusals[error.reason] : undefined;
  if (known !== undefined) return `Your answer was not taken: ${known}.`;
  if (error.status >= 500) {
    return "The server could not finish, so it is not known whether your answer counts. Look at the approval again.";
  }
  return `Your answer was not taken: ${error.detail || `the server answered ${error.status}`}.`;
}

/** @type {Readonly<Record<string, string>>} */
const refusals = {
  self_approval: "nobody answers for a call of their own, and you started this session or are the agent",
  not_approver: "your access does not let you answer approvals",
  access_denied: "your access does not let you answer approvals",
  expired: "the time for this approval is over. The agent has to ask again",
  not_as_shown: "this approval is not what you were shown. Load the page again and look at it anew",
  csrf_token: "somebody has signed in anew in this browser. Load the page again",
  used: "the approval was used already, and what it let through cannot be taken back",
  not_found: "this approval is not there any more",
  store_unavailable: "the server cannot reach its store at the moment. Nothing was decided; try again",
  audit_unavailable: "the server cannot write its audit log at the moment. Nothing was decided; try again",
};

/** @param {Approval | null} approval @param {string} me */
function decidedBy(approval, me) {
  if (approval?.status === "expired") return "the time for this approval is over";
  const last = approval?.decisions.at(-1);
  if (!last) return "somebody has decided already";
  if (approval?.status === "pending" || last.approver === me) return "you have answered already";
  return `${last.approver} has ${pastOf[last.decision]} it already`;
}
