import { canonicalJson, sha256Hex } from "../canonical.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import type { ApprovalAnswer, ApprovalDraft } from "../store/store.js";
import { type Statement, signStatement, verifyStatement } from "./statement.js";

/** JWS `typ` of a signed human answer. */
export const answerType = "approval-answer+jwt";
const audience = "urn:countersign:approval-answer";

/** Everything an approver is shown of the request itself, as opposed to why it needs them. */
export type Shown = Pick<ApprovalDraft, "agent" | "session" | "fingerprint" | "call" | "requestedBy">;

/** What is signed: this person gave this answer, at this time, to this request as it was shown. */
export interface AnswerStatement extends Pick<ApprovalAnswer, "approver" | "decision" | "at"> {
  comment?: string | undefined;
  approvalId: string;
  fingerprint: string;
  /** `shownDigest` of the request. */
  shown: string;
  /** Until when the approval was shown to be good; the answer counts no longer. */
  expiresAtMs: number;
}

/**
 * `sha256:<hex>` over the RFC 8785 form of what was shown. Somebody who can write to the store could show people a
 * harmless call with the fingerprint of another; the digest in the proof is compared with the real call at redemption.
 */
export function shownDigest({ agent, session, fingerprint, call, requestedBy }: Shown): string {
  return `sha256:${sha256Hex(canonicalJson({ agent, session, fingerprint, call, requested_by: requestedBy }))}`;
}

export function signAnswer(key: SigningKey, statement: AnswerStatement): string {
  return signStatement(key, statementOf(statement));
}

/** True when the proof is our signature over exactly this statement. */
export function verifyAnswer(key: VerifyKey, proof: string, statement: AnswerStatement): boolean {
  return verifyStatement(key, proof, statementOf(statement));
}

function statementOf(statement: AnswerStatement): Statement {
  const { approvalId, fingerprint, approver, decision, comment, at, shown, expiresAtMs } = statement;
  const payload = {
    aud: audience,
    approval_id: approvalId,
    fingerprint,
    approver,
    decision,
    comment_sha256: comment === undefined ? null : sha256Hex(comment),
    at,
    shown,
    expires_at: new Date(expiresAtMs).toISOString(),
  };
  return { typ: answerType, payload };
}
