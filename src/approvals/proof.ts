import { canonicalJson, sha256Hex } from "../canonical.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import type { ApprovalAnswer, ApprovalDraft } from "../store/store.js";

/** JWS `typ` of a signed human answer. */
export const answerType = "approval-answer+jwt";
const audience = "urn:countersign:approval-answer";

/** Everything an approver is shown of the request itself, as opposed to why it needs them. */
export type Shown = Pick<ApprovalDraft, "agent" | "session" | "fingerprint" | "call" | "requestedBy">;

/** What is signed: this person gave this answer, at this time, to this request as it was shown. */
export interface AnswerStatement extends Pick<ApprovalAnswer, "approver" | "decision" | "at"> {
  approvalId: string;
  fingerprint: string;
  /** `shownDigest` of the request. */
  shown: string;
}

/**
 * `sha256:<hex>` over the RFC 8785 form of what was shown. Somebody who can write to the store could show people a
 * harmless call with the fingerprint of another; the digest in the proof is compared with the real call at redemption.
 */
export function shownDigest({ agent, session, fingerprint, call, requestedBy }: Shown): string {
  return `sha256:${sha256Hex(canonicalJson({ agent, session, fingerprint, call, requested_by: requestedBy }))}`;
}

/** Compact JWS (RFC 7515 section 7.1) over a statement. */
export function signAnswer(key: SigningKey, statement: AnswerStatement): string {
  const input = signingInput(key, statement);
  return `${input}.${Buffer.from(key.sign(Buffer.from(input))).toString("base64url")}`;
}

/**
 * True when the proof is our signature over exactly this statement. The signed bytes are built anew and compared, so
 * that nothing out of the store is ever parsed to find out how it wants to be verified.
 */
export function verifyAnswer(key: VerifyKey, proof: string, statement: AnswerStatement): boolean {
  const input = signingInput(key, statement);
  if (!proof.startsWith(`${input}.`)) return false;
  const encoded = proof.slice(input.length + 1);
  const signature = Buffer.from(encoded, "base64url");
  return signature.toString("base64url") === encoded && key.verify(Buffer.from(input), signature);
}

function signingInput(key: VerifyKey, statement: AnswerStatement): string {
  const { approvalId, fingerprint, approver, decision, at, shown } = statement;
  const header = { alg: key.alg, kid: key.kid, typ: answerType };
  const payload = { aud: audience, approval_id: approvalId, fingerprint, approver, decision, at, shown };
  return [header, payload].map((part) => Buffer.from(canonicalJson(part)).toString("base64url")).join(".");
}
