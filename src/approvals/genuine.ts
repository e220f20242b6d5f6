import type { VerifyKey } from "../keys/keys.js";
import type { Approval, ApprovalAnswer } from "../store/store.js";
import { isOpened } from "./opening.js";
import { shownDigest, verifyAnswer } from "./proof.js";

/**
 * What is wrong with an approval in the store, `null` = nothing: it is what we opened, and we signed every answer to it as
 * it stands there. Who answered may have left since, which is another question. Never throws.
 */
export function forgeryOf(key: VerifyKey, approval: Approval): string | null {
  if (!isOpened(key, approval)) return "is not the one that was opened";
  const shown = shownDigest(approval);
  const given = approval.answers.every((answer) => isGiven(key, approval, answer, shown));
  return given && areDistinct(approval.answers) ? null : "holds an answer that nobody gave";
}

function isGiven(key: VerifyKey, approval: Approval, answer: ApprovalAnswer, shown: string): boolean {
  const { approver, decision, comment, at, proof } = answer;
  const { id: approvalId, fingerprint, expiresAtMs } = approval;
  return verifyAnswer(key, proof, { approvalId, fingerprint, approver, decision, comment, at, shown, expiresAtMs });
}

/** The same person decides once, and may revoke afterwards; a copy of an answer is none. */
function areDistinct(answers: readonly ApprovalAnswer[]): boolean {
  const given = answers.map(({ approver, decision }) => JSON.stringify([approver, decision === "revoke"]));
  return new Set(given).size === given.length;
}
