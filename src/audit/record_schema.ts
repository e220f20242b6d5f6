import { z } from "zod";
import type { Json } from "../call.js";
import { verdicts } from "../verdict.js";
import {
  type AdminRecord,
  type ApprovalRecord,
  adminActs,
  type DecisionRecord,
  type Envelope,
  type OutcomeRecord,
  type PolicyRecord,
  type RecordDraft,
} from "./record.js";

const text = z.string();
const name = text.nullable();
const timestamp = z.iso.datetime().describe("RFC 3339, in UTC");
const hash = text.regex(/^sha256:[0-9a-f]{64}$/);
const json = z.custom<Json>();
const count = z.int().min(0);
const verdict = z.enum(verdicts);

const envelope = {
  seq: z.int().min(1).describe("1 for the writer's first record, then without a gap"),
  prev: hash.nullable().describe("hash of the line before; null in record 1 only"),
  writer: text.describe("name of the writer, and of its folder"),
  signature: z.strictObject({ alg: z.enum(["HS256", "EdDSA"]), kid: text, value: text.regex(/^[A-Za-z0-9_-]+$/) }),
} satisfies Shape<Envelope>;

const token = z.strictObject({
  iss: text,
  sub: text,
  jti: z.exactOptional(text),
  aud: text,
  scope: text,
  exp: z.number().describe("seconds since 1970"),
});

export const decisionShape = {
  kind: z.literal("decision"),
  decision_id: text,
  timestamp,
  deployment_id: name,
  workflow_run_id: name,
  session_id: name,
  agent_id: name,
  agent_model: name,
  tool: name,
  action: name,
  environment: name,
  service: name,
  image_tag: name,
  fingerprint: name.describe("of the call, where it was decoded"),
  opa_decision: z
    .strictObject({ policy_version: text, input: json, result: json })
    .nullable()
    .describe("what the policies were asked and what they said; null = they were not asked"),
  session_attestation: json.describe("what was known of the session; null = nothing"),
  data_classification: z
    .strictObject({ tool: z.array(text).readonly(), tags: z.array(text).readonly() })
    .nullable()
    .describe("what data the call is about, by the catalogue and by hits of detectors; null = it was not understood"),
  anomalies: z
    .strictObject({
      found: z.array(z.strictObject({ reason: text, marker: z.exactOptional(text), where: z.exactOptional(text) })),
      before: z.array(z.strictObject({ at: text, reason: text, detail: text })),
    })
    .nullable(),
  human_approval: z.array(z.strictObject({ approver: text, timestamp: text, approval_id: text })).nullable(),
  decision: verdict.describe("the computed verdict"),
  enforced: verdict.describe("what the call was answered"),
  aggregated: z
    .exactOptional(
      z.strictObject({
        count: z.int().min(1),
        from: timestamp,
        to: timestamp,
        calls: z
          .array(z.strictObject({ action: name, environment: name, path: name, count: z.int().min(1) }))
          .describe("up to eight different calls among them, those that came first"),
        others: count.describe("how many of them were of further calls"),
      }),
    )
    .describe("the record stands for so many refusals that were alike; what differed among them is null"),
  local: z.exactOptional(z.literal(true)).describe("the store was away: limits were counted by one process alone"),
  mode: z.enum(["enforce", "shadow"]),
  reason: text.describe("a code of docs/reasons.md"),
  violations: json.describe("the broken rules"),
  approval_id: name.describe("the approval that the call opened, waits for or used up"),
  outcome: text.describe("allowed, denied or pending"),
  latency_us: count,
  trace_id: name,
  request_id: name,
  http: z.strictObject({ method: text, host: text, path: text }).nullable(),
  token: token.nullable().describe("claims of the verified token"),
} satisfies Shape<DecisionRecord>;

const outcomeShape = {
  kind: z.literal("outcome"),
  timestamp,
  decision_id: text.describe("the decision that let the call through"),
  deployment_id: name,
  session_id: name,
  agent_id: name,
  tool: name,
  action: name,
  environment: name,
  service: name,
  request_id: name,
  outcome: z.enum(["succeeded", "failed", "unreached"]),
  status: z.int().min(100).max(599).nullable().describe("HTTP status of the upstream's answer; null = none"),
  flags: z.array(text).describe("Envoy's response flags"),
  duration_us: count.nullable(),
  upstream: name.describe("host:port; null = none was connected to"),
} satisfies Shape<OutcomeRecord>;

const approvalShape = {
  kind: z.literal("approval"),
  timestamp,
  approval_id: text,
  agent_id: text,
  session_id: text,
  deployment_id: text,
  fingerprint: text,
  approver: text,
  decision: z.enum(["approve", "deny", "revoke"]),
  comment: name,
  outcome: z.enum(["approved", "denied", "recorded", "revoked", "void"]),
  proof: text.describe("the signed answer, a compact JWS"),
} satisfies Shape<ApprovalRecord>;

const policyShape = {
  kind: z.literal("policy"),
  timestamp,
  event: z.enum(["loaded", "rolled_back", "released", "refused"]),
  policy_version: name,
  previous_version: name,
  files: z.array(text),
  detail: name.describe("why it was refused, or the reason given for a roll-back or its end"),
  by: z.exactOptional(text),
} satisfies Shape<PolicyRecord>;

const adminShape = {
  kind: z.literal("admin"),
  timestamp,
  act: z.enum(adminActs),
  by: text,
  agent_id: name,
  detail: z.record(z.string(), json),
} satisfies Shape<AdminRecord>;

/** One record of a chain, whatever its kind. The published schema is made of it. */
export const recordSchema = z.discriminatedUnion("kind", [
  z.strictObject({ ...decisionShape, ...envelope }).describe("one decision, or refusals that were counted together"),
  z.strictObject({ ...outcomeShape, ...envelope }).describe("what became of a call that was let through"),
  z.strictObject({ ...approvalShape, ...envelope }).describe("one answer of a person to an approval"),
  z.strictObject({ ...policyShape, ...envelope }).describe("policies that started to serve, or were refused"),
  z.strictObject({ ...adminShape, ...envelope }).describe("a change of who may do what, or of how the server works"),
]);

/** A schema for every member, no more and no fewer. */
type Shape<T> = { [K in keyof T]-?: z.ZodType };

/** One line of a chain. */
export type AuditRecord = z.infer<typeof recordSchema>;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
// Compiles only while the schema and the types say the same.
true satisfies Same<AuditRecord, RecordDraft & Envelope>;
