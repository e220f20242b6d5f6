import type { ApprovalRecord, DecisionRecord, OutcomeRecord, RecordDraft } from "../../src/audit/record.js";
import type { Question, Status } from "../../src/evidence/answer.js";
import { deploymentEvidence } from "../../src/evidence/deployment.js";
import { approvalDraft, decisionDraft, outcomeDraft } from "../audit/samples.js";
import { writeChain, writers } from "../audit_query/chains.js";

export const deploymentId = "release-42";

const searched = { dlp: { complete: true, hits: [] }, params: {} };
export const attested = (more: object = {}) => ({
  initiated_by: "vic@example.com",
  data_classification: ["config"],
  anomalies_detected: false,
  session_integrity: "clean",
  ...more,
});

/** A call that was let through, of which all is known and nothing is wrong. */
export function call(more: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    ...decisionDraft(searched),
    deployment_id: deploymentId,
    session_attestation: attested(),
    data_classification: { tool: ["config"], tags: [] },
    anomalies: { found: [], before: [] },
    ...more,
  };
}

const refusal = { decision: "deny", enforced: "deny", reason: "max_replicas", outcome: "denied" } as const;
export const refused = (more: Partial<DecisionRecord> = {}) => call({ ...refusal, ...more });
export const shadowed = (more: Partial<DecisionRecord> = {}) =>
  call({ ...refusal, enforced: "allow", mode: "shadow", ...more });

/** A call that went through with the approval of these people. */
export function approved(people: readonly string[], more: Partial<DecisionRecord> = {}): DecisionRecord {
  const timestamp = "2026-01-02T03:04:00.000Z";
  const humans = people.map((approver) => ({ approver, timestamp, approval_id: "apr_1" }));
  return call({ approval_id: "apr_1", human_approval: humans, ...more });
}

export function answerOf(approver: string, more: Partial<ApprovalRecord> = {}): ApprovalRecord {
  return approvalDraft({ approver, deployment_id: deploymentId, proof: `proof of ${approver}`, ...more });
}

export function ending(more: Partial<OutcomeRecord> = {}): OutcomeRecord {
  return outcomeDraft({ deployment_id: deploymentId, ...more });
}

/** The answer to one question, with these records alone. */
export async function answered(
  dir: string,
  question: Question,
  drafts: readonly RecordDraft[],
): Promise<{ status: Status; answer: string; seqs: number[] }> {
  await writeChain(dir, writers[0], drafts);
  const evidence = await deploymentEvidence([dir], deploymentId, { keys: null });
  const found = evidence?.answers.find((one) => one.question === question);
  if (!found) throw new Error(`no answer to ${question}`);
  return { status: found.status, answer: found.answer, seqs: found.records.map(({ seq }) => seq) };
}
