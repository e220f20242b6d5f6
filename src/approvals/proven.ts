import type { VerifyKey } from "../keys/keys.js";
import type { Registry } from "../registry/registry.js";
import type { Approval, ApprovalDraft } from "../store/store.js";
import { forgeryOf } from "./genuine.js";
import { approversAt, isMember, isRequester } from "./people.js";
import { type Shown, shownDigest } from "./proof.js";

/** The call that is about to be let through, as `openDraft` describes it now. */
export type Expected = Shown & Pick<ApprovalDraft, "quorum" | "approvers" | "escalation" | "costMicro" | "expiresInMs">;

export interface ProofContext {
  key: VerifyKey;
  registry: Registry;
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * True when we opened this approval, its time is not over, enough distinct people approved by signed answers, and
 * nobody denied. The store's word for it is not enough: every answer must carry our signature over this approval as it
 * was shown, its expiry included, by somebody who still is an approver, is in the groups asked for, and is none of those
 * who ask. With `expected`, what was shown must also be the call at hand, and the approval must satisfy the terms that
 * hold for it now as well: an approval that was given on easier ones counts for less, or for nothing.
 */
export function isProven(approval: Approval, { key, registry, now }: ProofContext, expected?: Expected): boolean {
  if (forgeryOf(key, approval) !== null || now >= approval.expiresAtMs) return false;
  if (expected && shownDigest(expected) !== shownDigest(approval)) return false;
  if (expected && now >= approval.createdAtMs + expected.expiresInMs) return false;
  if (expected && expected.costMicro > approval.costMicro) return false;
  if (approval.answers.some((answer) => answer.decision !== "approve")) return false;

  const { openedAt } = approval;
  const askedAt = (atMs: number): Approval["approvers"] => [
    ...approversAt(approval, atMs),
    ...(expected ? approversAt({ ...expected, openedAt }, atMs) : []),
  ];
  const approvers = new Set(
    approval.answers
      .filter(({ approver, at }) => mayCount(approver, { ...approval, approvers: askedAt(Date.parse(at)) }, registry))
      .map((answer) => answer.approver),
  );
  const quorum = Math.max(1, approval.quorum, expected?.quorum ?? 1);
  return approvers.size >= quorum;
}

function mayCount(name: string, asked: Approval, registry: Registry): boolean {
  const person = registry.person(name);
  if (!person || person.id !== name || !person.access.includes("approver")) return false;
  return isMember(asked.approvers, person) && !isRequester(registry, asked, person);
}
