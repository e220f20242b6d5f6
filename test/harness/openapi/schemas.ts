import { z } from "zod";
import type { AgentView } from "../../../src/agents/view.js";
import type { Risk } from "../../../src/approvals/risk.js";
import type { ApprovalView } from "../../../src/approvals/view.js";
import type { SignedAttestation } from "../../../src/attestation/sign.js";
import { descriptionSchema } from "../../../src/decode/description.js";
import type { InForceView, PoliciesView } from "../../../src/history/service.js";
import { createBody, emptyBody, rotateBody } from "../../../src/http/agents.js";
import { decisionBody, revokeBody } from "../../../src/http/approvals.js";
import type { Passed } from "../../../src/http/check.js";
import { logLevelBody } from "../../../src/http/log.js";
import { type PageSessionView, signInBody } from "../../../src/http/page_session.js";
import { releaseBody, rollbackBody } from "../../../src/http/policies.js";
import { oauthErrorCodes } from "../../../src/oauth/error.js";
import type { TokenAnswer } from "../../../src/oauth/issue.js";
import { errors } from "../../../src/reasons.js";
import { accesses } from "../../../src/registry/registry.js";
import type { Problem } from "../../../src/respond/problem.js";
import { integrities } from "../../../src/session.js";
import { type LogLevelView, logLevels } from "../../../src/telemetry/log_level.js";
import type { LimitUsage, RateUsage, UsageView } from "../../../src/usage/usage.js";
import { verdicts } from "../../../src/verdict.js";
import { auditAnswers } from "./audit_schemas.js";
import { dashboardSchema } from "./dashboard.js";

const instant = () =>
  z
    .string()
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    .describe("RFC 3339 UTC");
const texts = z.array(z.string());
const json = z.unknown();

/** What the server takes. */
export const bodies = {
  CallDescription: descriptionSchema,
  ApprovalAnswer: decisionBody,
  ApprovalRevocation: revokeBody.unwrap(),
  SignIn: signInBody,
  SlackInteraction: z.object({ payload: z.string().describe("JSON of a block_actions payload") }),
  NewAgent: createBody,
  KeyRotation: rotateBody,
  LogLevelChange: logLevelBody,
  Nothing: emptyBody.unwrap(),
  PolicyRollback: rollbackBody,
  PolicyRelease: releaseBody,
  TokenRequest: z.object({
    grant_type: z.enum(["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]),
    client_id: z.string().exactOptional().describe("id of the agent"),
    client_secret: z.string().exactOptional().describe("API key of the agent; or by HTTP Basic"),
    scope: z.string().exactOptional().describe("tool:action patterns separated by spaces; all by default"),
    subject_token: z.string().exactOptional().describe("of an exchange: the token of a trusted issuer"),
    subject_token_type: z
      .string()
      .exactOptional()
      .describe("urn:ietf:params:oauth:token-type:id_token, jwt or access_token"),
    requested_token_type: z.string().exactOptional(),
    authorization_details: z.string().exactOptional().describe("JSON (RFC 9396): what the session is for"),
    audience: z.string().exactOptional(),
    resource: z.string().exactOptional(),
  }),
  TokenRevocation: z.object({
    token: z.string(),
    token_type_hint: z.string().exactOptional(),
    client_id: z.string().exactOptional(),
    client_secret: z.string().exactOptional(),
  }),
} satisfies Record<string, z.ZodType>;

const httpErrors = [
  "BadRequest",
  "Unauthenticated",
  "Forbidden",
  "NotFound",
  "MethodNotAllowed",
  "Conflict",
  "Gone",
  "ContentTooLarge",
  "UnsupportedMediaType",
  "RateLimited",
  "InternalError",
  "Unavailable",
] as const;

const problem = z.strictObject({
  type: z.string().regex(/^urn:countersign:[A-Za-z]+$/),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().describe("for people"),
  error: z.enum(httpErrors),
  reason: z.string().describe("for programs; more exact than the status"),
});

const violation = z.strictObject({
  rule: z.string(),
  param: z.string().exactOptional(),
  limit: json.exactOptional().describe("what the rule permits"),
  actual: json.exactOptional().describe("what the call asked for"),
  message: z.string(),
});

const refusal = z.strictObject({
  type: z.enum(Object.values(errors).map(({ type }) => type)),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  error: z.enum(Object.keys(errors) as (keyof typeof errors)[]),
  decision: z.enum(verdicts),
  reason: z.string().describe("of the table in docs/reasons.md"),
  violations: z.array(violation),
  decision_id: z.string(),
  policy_version: z.string().nullable(),
  agent_id: z.string().nullable(),
  tool: z.string().nullable(),
  action: z.string().nullable(),
  next: z.string().describe("what the agent does next"),
  approval: z
    .strictObject({ id: z.string(), status_url: z.string(), expires_at: instant(), poll_after_s: z.int() })
    .exactOptional()
    .describe("where the approval that is needed can be seen"),
}) satisfies z.ZodType<Problem>;

const changes = z.strictObject({ set: texts, remove: texts });
const passed = z.strictObject({
  decision: z.enum(verdicts).describe("what the policies say; in shadow it may differ from `enforced`"),
  enforced: z.enum(["allow", "sanitize"]),
  mode: z.enum(["enforce", "shadow"]),
  reason: z.string(),
  decision_id: z.string(),
  policy_version: z.string().nullable(),
  agent_id: z.string().nullable(),
  tool: z.string().nullable(),
  action: z.string().nullable(),
  headers: changes.exactOptional().describe("only of a sanitize; names are lower case"),
  query: changes.exactOptional().describe("only of a sanitize"),
}) satisfies z.ZodType<Passed>;

const approvedCall = z.strictObject({
  tool: z.string().nullable(),
  action: z.string().nullable(),
  environment: z.string().nullable(),
  service: z.string().nullable(),
  image_tag: z.string().nullable(),
  deployment_id: z.string().nullable(),
  amount: z.number().nullable(),
  images: texts,
  params: z.record(z.string(), json),
  body: z
    .record(z.string(), json)
    .nullable()
    .exactOptional()
    .describe(
      "members of the body that are no parameters; absent when there are none, null for a body that was not read",
    ),
  destination: z.strictObject({ host: z.string(), port: z.int(), scheme: z.enum(["http", "https"]) }),
  method: z.string(),
  path: z.string(),
  query: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  content_type: z.string(),
  body_sha256: z.string(),
});

const risk = z.strictObject({
  rules: texts.describe("that ask for the approval"),
  environment: z.string().nullable(),
  cost: z.number(),
  session: z
    .strictObject({
      id: z.string(),
      integrity: z.enum(integrities),
      anomalies: z.int(),
      data_classification: texts,
      calls: z.int(),
      refused: z.int(),
    })
    .nullable()
    .describe("null when nothing is remembered of it"),
  history: z
    .strictObject({
      looked: z.int(),
      approved: z.int(),
      denied: z.int(),
      expired: z.int(),
      pending: z.int(),
      same_action: z.strictObject({ approved: z.int(), denied: z.int(), last_at: instant().nullable() }),
    })
    .describe("of the agent's newest approvals, at most 100"),
}) satisfies z.ZodType<Risk>;

const approval = z.strictObject({
  id: z.string(),
  status: z.enum(["pending", "approved", "denied", "expired", "consumed"]),
  call: approvedCall,
  shown: z.string().describe("digest of what is asked for; an answer that brings it answers exactly this"),
  reason: z.string(),
  violations: z.array(violation),
  requested_by: z.strictObject({ agent: z.string(), initiated_by: z.string().exactOptional() }),
  quorum: z.int().min(1).describe("distinct people that have to approve"),
  approvers: z.array(texts).describe("who answers is in at least one group of every list"),
  escalation: z
    .strictObject({ at: instant(), to: texts, approvers: z.array(texts) })
    .exactOptional()
    .describe("from then on these lists hold, and the groups under `to` are told"),
  cost: z.number().describe("what the call takes from budgets when it is let through"),
  created_at: instant(),
  expires_at: instant(),
  decisions: z.array(
    z.strictObject({
      approver: z.string(),
      decision: z.enum(["approve", "deny", "revoke"]),
      comment: z.string().exactOptional(),
      at: instant(),
    }),
  ),
  risk: risk.exactOptional().describe("as it is now; only for people, and only of one approval"),
  override_token: z
    .string()
    .exactOptional()
    .describe("only for the agent that asked, in the session that asked, while the approval can be redeemed"),
});
approval.shape satisfies Record<keyof ApprovalView, z.ZodType>;

const rateUsage = z.strictObject({
  burst: z.int().describe("how many calls may come at once"),
  interval_s: z.number().describe("seconds after which one more may"),
  used: z.int(),
  left: z.int(),
  free_at: instant().describe("when all of it is free again, if nothing more is called"),
}) satisfies z.ZodType<RateUsage>;
const budgetUsage = z.strictObject({ limit: z.number(), used: z.number(), left: z.number() });
const limitUsage = z.strictObject({
  rate: rateUsage.exactOptional(),
  tools: z.record(z.string(), rateUsage).exactOptional(),
  daily_budget: budgetUsage
    .extend({
      burn_per_hour: z.number().describe("spent in the last 60 minutes"),
      exhausted_at: instant().nullable().describe("when nothing is left if it goes on like this; null = not today"),
      resets_at: instant(),
    })
    .exactOptional(),
  session_budget: budgetUsage.exactOptional(),
}) satisfies z.ZodType<LimitUsage>;
const usage = z.strictObject({
  agent_id: z.string(),
  session_id: z.string().nullable(),
  at: instant().describe("by the clock of the store"),
  enforced: limitUsage.nullable(),
  shadow: limitUsage.nullable(),
  approvals: z.strictObject({ pending: z.int(), most: z.int() }),
}) satisfies z.ZodType<UsageView>;

const pageSession = z.strictObject({
  person: z.strictObject({ id: z.string(), access: z.array(z.enum(accesses)), groups: texts }).nullable(),
  csrf: z.string().nullable().describe("for x-csrf-token"),
  link: z.strictObject({ approval_id: z.string() }).nullable().describe("what a link has opened"),
  oidc: z.boolean().describe("whether people can sign in by OpenID Connect"),
}) satisfies z.ZodType<PageSessionView>;

const attestation = z.strictObject({
  agent_id: z.string(),
  session_id: z.string(),
  workflow_run_id: z.string().exactOptional(),
  initiated_by: z.string().exactOptional(),
  role: z.string().exactOptional(),
  clearance: z.string().exactOptional(),
  data_classification: texts,
  anomalies_detected: z.boolean(),
  session_integrity: z.enum(integrities),
  signed_at: instant(),
  signature: z.string().describe("compact JWS whose payload has the same fields"),
}) satisfies z.ZodType<SignedAttestation>;

const agent = z.strictObject({
  id: z.string(),
  source: z.enum(["file", "store"]),
  model: z.string().nullable(),
  scopes: texts,
  roles: texts,
  spiffe: texts,
  disabled: z.boolean(),
  created_at: instant().nullable(),
  keys: z.int().min(0).describe("API keys that hold"),
}) satisfies z.ZodType<AgentView>;

const inForce = {
  current: z.string().describe("the version that decides"),
  rolled_back: z
    .strictObject({
      from: z.string(),
      to: z.string(),
      at: instant(),
      by: z.string(),
      reason: z.string().nullable(),
    })
    .nullable(),
};
const version = z.strictObject({
  version: z.string(),
  loaded_at: instant(),
  files: texts,
  event: z.string(),
});
const policiesInForce = z.strictObject(inForce) satisfies z.ZodType<InForceView>;
const policies = z.strictObject({ ...inForce, versions: z.array(version) });
policies.shape satisfies Record<keyof PoliciesView, z.ZodType>;

const token = z.strictObject({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int().describe("seconds"),
  scope: z.string(),
  session_id: z.string().exactOptional(),
  issued_token_type: z.string().exactOptional(),
  authorization_details: z.array(z.record(z.string(), json)).exactOptional(),
});
token.shape satisfies Record<keyof TokenAnswer, z.ZodType>;

const state = z.record(z.string(), json).describe("for operators: what is loaded and what is wrong");

const logLevel = z.strictObject({
  level: z.enum(logLevels),
  configured: z.enum(logLevels),
  until: instant().nullable().describe("when it goes back to what is configured"),
}) satisfies z.ZodType<LogLevelView>;

/** What the server answers with. */
export const answers = {
  Problem: problem,
  CallRefused: refusal,
  Violation: violation,
  CallPassed: passed,
  Health: z.strictObject({ status: z.literal("ok") }),
  Ready: z.strictObject({ ready: z.literal(true), state: state.exactOptional() }),
  NotReady: problem.extend({ ready: z.literal(false), state: state.exactOptional() }),
  Approval: approval,
  Usage: usage,
  Dashboard: dashboardSchema,
  Approvals: z.strictObject({ approvals: z.array(approval) }),
  ApprovedCall: approvedCall,
  PageSession: pageSession,
  SessionAttestation: attestation,
  SessionAmbiguous: problem.extend({ agents: texts.exactOptional() }),
  Agent: agent,
  Agents: z.strictObject({ agents: z.array(agent) }),
  AgentWithKey: z.strictObject({ agent, api_key: z.string().describe("shown only once") }),
  LogLevel: logLevel,
  PoliciesInForce: policiesInForce,
  Policies: policies,
  ...auditAnswers,
  Token: token,
  OAuthError: z.strictObject({
    error: z.enum(oauthErrorCodes),
    error_description: z.string(),
    reason: z.string().exactOptional(),
  }),
  Jwks: z.strictObject({ keys: z.array(z.record(z.string(), json)) }),
  IssuerConfiguration: z.strictObject({
    issuer: z.string(),
    jwks_uri: z.string(),
    token_endpoint: z.string(),
    token_endpoint_auth_methods_supported: texts,
    revocation_endpoint: z.string(),
    revocation_endpoint_auth_methods_supported: texts,
    grant_types_supported: texts,
    response_types_supported: texts,
    subject_types_supported: texts,
    id_token_signing_alg_values_supported: texts,
    authorization_details_types_supported: texts,
  }),
  Document: z.looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) }),
} satisfies Record<string, z.ZodType>;

export type BodyName = keyof typeof bodies;
export type AnswerName = keyof typeof answers;
