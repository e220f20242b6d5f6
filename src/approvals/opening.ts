import { canonicalJson, sha256Hex } from "../canonical.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import type { Approval, ApprovalDraft } from "../store/store.js";
import { type Statement, signStatement, verifyStatement } from "./statement.js";

/** JWS `typ` of a signed opening. */
export const openingType = "approval-opening+jwt";
const audience = "urn:countersign:approval-opening";

/** How far the store's clock may be from that of the process which opened an approval: 5 minutes. */
export const clockToleranceMs = 300_000;

/** A draft before it is signed. */
export type UnsignedDraft = Omit<ApprovalDraft, "openedAt" | "opening">;

/**
 * The draft with our word that we asked for exactly this: what people are shown, why, who and how many have to agree,
 * and for how long. Without it, somebody who can write to the store could show people another call than the one they approve.
 */
export function signOpening(key: SigningKey, draft: UnsignedDraft, nowMs: number): ApprovalDraft {
  const dated = { ...draft, openedAt: new Date(nowMs).toISOString() };
  return { ...dated, opening: signStatement(key, statementOf(dated)) };
}

/** True when what the store holds is what was opened, with the lifetime it was opened with. Never throws. */
export function isOpened(key: VerifyKey, approval: Approval): boolean {
  const { createdAtMs, expiresAtMs, openedAt } = approval;
  const apartMs = Math.abs(createdAtMs - Date.parse(openedAt));
  // Also false for a date that is none.
  if (!(apartMs <= clockToleranceMs)) return false;
  try {
    const statement = statementOf({ ...approval, expiresInMs: expiresAtMs - createdAtMs });
    return verifyStatement(key, approval.opening, statement);
  } catch {
    // What has no canonical form was never signed.
    return false;
  }
}

function statementOf(draft: Omit<ApprovalDraft, "opening">): Statement {
  const { id, openedAt, expiresInMs } = draft;
  const payload = {
    aud: audience,
    approval_id: id,
    draft: draftDigest(draft),
    opened_at: openedAt,
    expires_in_ms: expiresInMs,
  };
  return { typ: openingType, payload };
}

/** `sha256:<hex>` over the RFC 8785 form of everything else a draft says. */
function draftDigest(draft: UnsignedDraft): string {
  const { agent, session, fingerprint, call, requestedBy, reason, violations, quorum, approvers } = draft;
  const { policyVersion, decisionId, deploymentId, escalation = null, costMicro } = draft;
  const said = {
    agent,
    session,
    fingerprint,
    call,
    requested_by: requestedBy,
    reason,
    violations,
    quorum,
    approvers,
    escalation,
    cost_micro: costMicro,
    policy_version: policyVersion,
    decision_id: decisionId,
    deployment_id: deploymentId,
  };
  return `sha256:${sha256Hex(canonicalJson(said))}`;
}
