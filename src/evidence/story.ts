import { z } from "zod";
import type { ApprovalRecord, OutcomeRecord, PolicyRecord } from "../audit/record.js";
import type { RecordPlace } from "../audit_query/place.js";
import { integrities } from "../session.js";
import { verdicts } from "../verdict.js";

const text = z.string();
const maybe = text.nullable();

/** What is read of a decision. Whatever else a record holds was not looked at. */
const deedForm = z.looseObject({
  kind: z.literal("decision"),
  decision_id: text,
  timestamp: text,
  workflow_run_id: maybe,
  session_id: maybe,
  agent_id: maybe,
  agent_model: maybe,
  tool: maybe,
  action: maybe,
  environment: maybe,
  service: maybe,
  image_tag: maybe,
  opa_decision: z.looseObject({ policy_version: text, input: z.looseObject({}) }).nullable(),
  session_attestation: z
    .looseObject({
      initiated_by: text.optional(),
      role: text.optional(),
      clearance: text.optional(),
      data_classification: z.array(text).optional(),
      anomalies_detected: z.boolean().optional(),
      session_integrity: z.enum(integrities).optional(),
      bound: z.boolean().optional(),
    })
    .nullable(),
  data_classification: z.looseObject({ tool: z.array(text), tags: z.array(text) }).nullish(),
  anomalies: z
    .looseObject({
      found: z.array(z.looseObject({ reason: text })),
      before: z.array(z.looseObject({ at: text, reason: text, detail: text })),
    })
    .nullable(),
  aggregated: z.looseObject({ count: z.int().min(1) }).optional(),
  human_approval: z.array(z.looseObject({ approver: text, timestamp: text, approval_id: text })).nullable(),
  decision: z.enum(verdicts),
  enforced: z.enum(verdicts),
  mode: z.enum(["enforce", "shadow"]),
  reason: text,
  violations: z.unknown(),
  approval_id: maybe,
  token: z
    .looseObject({ iss: text, sub: text, jti: text.optional(), scope: text, exp: z.number().optional() })
    .nullable(),
});
export type Deed = z.output<typeof deedForm>;

const outcomeForm = z.looseObject({
  kind: z.literal("outcome"),
  timestamp: text,
  decision_id: text,
  outcome: z.enum(["succeeded", "failed", "unreached"]),
  status: z.int().nullable(),
}) satisfies z.ZodType<Pick<OutcomeRecord, "outcome" | "status" | "decision_id">>;

const answerForm = z.looseObject({
  kind: z.literal("approval"),
  timestamp: text,
  approval_id: text,
  approver: text,
  decision: z.enum(["approve", "deny", "revoke"]),
  comment: maybe,
  outcome: z.enum(["approved", "denied", "recorded", "revoked", "void"]),
  proof: text,
}) satisfies z.ZodType<Pick<ApprovalRecord, "approver" | "decision" | "outcome" | "proof">>;

const policyForm = z.looseObject({
  kind: z.literal("policy"),
  timestamp: text,
  event: z.enum(["loaded", "rolled_back", "released", "refused"]),
  policy_version: maybe,
}) satisfies z.ZodType<Pick<PolicyRecord, "event" | "policy_version">>;

/** Kinds of records that a deployment is made of, each with its form. */
export const forms = { decision: deedForm, outcome: outcomeForm, approval: answerForm, policy: policyForm } as const;

/** A record with where it stands. */
export interface Cited<T> {
  record: T;
  place: RecordPlace;
}

/** All records that tell of one deployment, each list the oldest first. */
export interface Story {
  deploymentId: string;
  deeds: Cited<Deed>[];
  outcomes: Cited<z.output<typeof outcomeForm>>[];
  /** Answers of people to the approvals of its calls. */
  answers: Cited<z.output<typeof answerForm>>[];
  /** Loads of the policy versions that judged it. */
  policies: Cited<z.output<typeof policyForm>>[];
  /** Other calls of its sessions, up to its last one, in which something was wrong; the newest of them. */
  troubles: Cited<Deed>[];
}

/** True for a call that did not reach its tool. */
export function isStopped({ enforced }: Deed): boolean {
  return enforced === "deny" || enforced === "approval_needed";
}

/** The calls that were let through. */
export function passed({ deeds }: Story): Cited<Deed>[] {
  return deeds.filter(({ record }) => !isStopped(record));
}

/** The calls that were not. */
export function stopped({ deeds }: Story): Cited<Deed>[] {
  return deeds.filter(({ record }) => isStopped(record));
}

/** The calls that policies were for. */
export function allowed(story: Story): Cited<Deed>[] {
  return passed(story).filter(({ record }) => !isAgainst(record));
}

/** The calls that were let through although policies were against them. */
export function passedAgainst(story: Story): Cited<Deed>[] {
  return passed(story).filter(({ record }) => isAgainst(record));
}

/** True for a call that policies were against, whatever it was answered. */
function isAgainst({ decision }: Deed): boolean {
  return decision === "deny" || decision === "approval_needed";
}

/** Each different value once, in the order in which they come; without those that are not known. */
export function distinct<T>(values: Iterable<T | null | undefined>): T[] {
  return [...new Set(values)].filter((value): value is T => value !== null && value !== undefined);
}
