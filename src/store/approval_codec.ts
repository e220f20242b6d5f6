import { z } from "zod";
import type { Json } from "../call.js";
import type { Approval, ApprovalAnswer, ApprovalDraft, ApprovalStatus } from "./store.js";

/** An approval as stores keep it. `draft` and `answers` are JSON text that no store looks into. */
export interface StoredApproval {
  status: ApprovalStatus;
  createdAtMs: number;
  expiresAtMs: number;
  draft: string;
  answers: readonly string[];
}

const violation = z.strictObject({
  rule: z.string(),
  param: z.string().exactOptional(),
  limit: z.unknown().exactOptional(),
  actual: z.unknown().exactOptional(),
  message: z.string(),
});

const draft = z.strictObject({
  id: z.string(),
  agent: z.string(),
  session: z.string(),
  fingerprint: z.string(),
  call: z.json() as z.ZodType<Json>,
  reason: z.string(),
  violations: z.array(violation),
  requestedBy: z.strictObject({ agent: z.string(), initiated_by: z.string().exactOptional() }),
  policyVersion: z.string(),
  decisionId: z.string(),
  deploymentId: z.string(),
  quorum: z.int().min(1),
  approvers: z.array(z.array(z.string())),
  escalation: z
    .strictObject({ afterMs: z.int().min(1), to: z.array(z.string()), approvers: z.array(z.array(z.string())) })
    .exactOptional(),
  costMicro: z.int().min(0),
  openedAt: z.string(),
  opening: z.string(),
});

const answer = z.strictObject({
  approver: z.string(),
  decision: z.enum(["approve", "deny", "revoke"]),
  comment: z.string().exactOptional(),
  at: z.string(),
  proof: z.string(),
}) satisfies z.ZodType<ApprovalAnswer>;

export function encodeDraft({ expiresInMs, ...kept }: ApprovalDraft): string {
  return JSON.stringify(kept);
}

export function encodeAnswer(given: ApprovalAnswer): string {
  return JSON.stringify(given);
}

/** Throws a `ZodError` or `SyntaxError` when the text is not what the two encoders write. */
export function decodeApproval(stored: StoredApproval): Approval {
  return {
    ...draft.parse(JSON.parse(stored.draft)),
    status: stored.status,
    answers: stored.answers.map((text) => answer.parse(JSON.parse(text))),
    createdAtMs: stored.createdAtMs,
    expiresAtMs: stored.expiresAtMs,
  };
}
