import { type ApprovalRecord, type AuditSink, AuditUnavailable } from "../audit/record.js";
import type { SigningKey } from "../keys/keys.js";
import { withoutTokens } from "../record/secrets.js";
import type { Person, Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import { type AnswerResult, type Approval, type ApprovalAnswer, type Store, StoreUnavailable } from "../store/store.js";
import { ApprovalError } from "./error.js";
import { approversAt, checkMayAnswer } from "./people.js";
import { shownDigest, signAnswer } from "./proof.js";

/** Plain text: control, format (bidi, zero-width) and line-separating characters could make it read as something else. */
const commentForm = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]{0,2000}$/u;

export interface AnswerRequest {
  decision: "approve" | "deny" | "revoke";
  comment?: string | undefined;
  /** `ApprovalView.shown` of what the person saw; one of another request is refused. */
  shown?: string | undefined;
}

interface AnswerContext {
  store: Store;
  /** The approval that the store holds, `null` also when it is not the one that was opened. */
  find: (id: string) => Promise<Approval | null>;
  key: SigningKey;
  registry: () => Registry;
  audit: AuditSink;
  runtime: Pick<Runtime, "now">;
}

/**
 * The record is written before the store is changed, with the outcome that the answer is going to have, so nothing is
 * ever approved without a record. When somebody else's answer came in between and the outcome is another one, a second
 * record says so. Throws `AuditUnavailable` when the answer does not count, `StoreUnavailable` when the store could not be
 * read before that, and `answer_unknown` when it may or may not count.
 */
export async function takeAnswer(
  { store, find, key, registry, audit, runtime }: AnswerContext,
  id: string,
  person: Person,
  { decision, comment, shown }: AnswerRequest,
): Promise<Approval> {
  if (comment !== undefined && !commentForm.test(comment)) throw new ApprovalError("invalid_comment");
  const approval = await find(id);
  if (!approval) throw new ApprovalError("not_found");
  const nowMs = runtime.now();
  checkMayAnswer(registry(), { ...approval, approvers: approversAt(approval, nowMs) }, person);
  if (shown !== undefined && shown !== shownDigest(approval)) throw new ApprovalError("not_as_shown");
  checkOpen(approval, person, decision);

  const { fingerprint, expiresAtMs } = approval;
  const said = {
    approver: person.id,
    decision,
    ...(comment ? { comment } : {}),
    at: new Date(nowMs).toISOString(),
  };
  const statement = { ...said, approvalId: id, fingerprint, shown: shownDigest(approval), expiresAtMs };
  const answer: ApprovalAnswer = { ...said, proof: signAnswer(key, statement) };

  const foreseen = outcomeOf(approval, answer);
  await audit.append(recordOf(approval, answer, foreseen));
  const result = await store.answer(id, answer).catch((error) => lookedUp(error, { id, answer, find }));
  const outcome = effectOf(result);
  if (outcome !== foreseen) {
    const corrected = audit.append(recordOf(approval, answer, outcome));
    // That the answer does not count would be untrue of one that the store has taken.
    await (outcome === "void" ? corrected : corrected.catch((error) => unknownBecause(error, AuditUnavailable)));
  }
  if (outcome === "void" || !result.approval) throw new ApprovalError(errorOf(result));
  return result.approval;
}

/** A store that did not answer may have taken the answer all the same; then it is in there, with our very proof. */
async function lookedUp(
  error: unknown,
  { id, answer, find }: Pick<AnswerContext, "find"> & { id: string; answer: ApprovalAnswer },
): Promise<AnswerResult> {
  if (!(error instanceof StoreUnavailable)) throw error;
  const approval = await find(id).catch((failure) => unknownBecause(failure, StoreUnavailable));
  const at = approval?.answers.findIndex(({ proof }) => proof === answer.proof) ?? -1;
  if (!approval || at < 0) return unknownBecause(error, StoreUnavailable);
  return { outcome: outcomeOf({ ...approval, answers: approval.answers.slice(0, at) }, answer), approval };
}

/** Throws `answer_unknown` for an error of this kind, any other one as it is. */
function unknownBecause(error: unknown, kind: typeof StoreUnavailable | typeof AuditUnavailable): never {
  throw error instanceof kind ? new ApprovalError("answer_unknown", undefined, { cause: error }) : error;
}

function checkOpen(approval: Approval, person: Person, decision: AnswerRequest["decision"]): void {
  if (approval.status === "expired") throw new ApprovalError("expired");
  if (decision === "revoke" && approval.status === "consumed") throw new ApprovalError("used");
  if (decision === "revoke" && approval.status === "approved") return;
  if (approval.status !== "pending") throw new ApprovalError("decided");
  if (decision !== "revoke" && approval.answers.some((answer) => answer.approver === person.id))
    throw new ApprovalError("decided");
}

/** What the answer leads to when no other one comes in between. */
function outcomeOf(approval: Approval, answer: ApprovalAnswer): Effect {
  if (answer.decision === "revoke") return "revoked";
  if (answer.decision === "deny") return "denied";
  const approvers = new Set(
    [...approval.answers, answer].filter((a) => a.decision === "approve").map((a) => a.approver),
  );
  return approvers.size >= approval.quorum ? "approved" : "recorded";
}

type Effect = Exclude<ApprovalRecord["outcome"], "void">;

function effectOf(result: AnswerResult): ApprovalRecord["outcome"] {
  const { outcome } = result;
  const counts = outcome === "approved" || outcome === "denied" || outcome === "recorded" || outcome === "revoked";
  return counts ? outcome : "void";
}

function errorOf(result: AnswerResult): "decided" | "expired" | "not_found" | "used" {
  if (result.outcome === "conflict" && result.approval?.status === "consumed") return "used";
  return result.outcome === "expired" || result.outcome === "not_found" ? result.outcome : "decided";
}

function recordOf(
  approval: Approval,
  { approver, decision, comment, at, proof }: ApprovalAnswer,
  outcome: ApprovalRecord["outcome"],
): ApprovalRecord {
  return {
    kind: "approval",
    timestamp: at,
    approval_id: approval.id,
    agent_id: approval.agent,
    session_id: approval.session,
    deployment_id: approval.deploymentId,
    fingerprint: approval.fingerprint,
    approver,
    decision,
    comment: comment === undefined ? null : withoutTokens(comment),
    outcome,
    proof,
  };
}
