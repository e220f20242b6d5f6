/**
 * The closed table of reasons: every code an answer, a span, a metric label or a record can carry.
 * A reason of a broken rule is the rule's own key, so `max_<param>`, `min_<param>` and
 * `session_touched_<classification>` are the only open ones.
 */

/** The `error` of an error payload, with its title (RFC 9457 `title`: the same text for every occurrence). */
export const errors = {
  PolicyViolation: { title: "Policy violation", type: "urn:countersign:PolicyViolation" },
  ApprovalNeeded: { title: "Approval needed", type: "urn:countersign:ApprovalNeeded" },
  Unauthenticated: { title: "Unauthenticated", type: "urn:countersign:Unauthenticated" },
  BadRequest: { title: "Bad request", type: "urn:countersign:BadRequest" },
  RateLimited: { title: "Rate limited", type: "urn:countersign:RateLimited" },
  BudgetExceeded: { title: "Budget exceeded", type: "urn:countersign:BudgetExceeded" },
  Unavailable: { title: "Authorizer unavailable", type: "urn:countersign:Unavailable" },
} as const;

export type ErrorName = keyof typeof errors;

/** Reasons that let a call through. They have no error. */
const passing = {
  allowed: "no rule objects",
  sanitized: "let through after headers or query parameters were changed",
  unmatched_passthrough: "no tool matches and `unmatched: passthrough` is set",
} as const;

const refusing = {
  malformed_request: ["BadRequest", 400, "the authorization request lacks something every HTTP request has"],
  malformed_header: ["BadRequest", 400, "a header is repeated or holds bytes outside visible ASCII"],
  malformed_host: ["BadRequest", 400, "the authority is not one canonical host name or address"],
  malformed_path: ["BadRequest", 400, "the path has more than one reading"],
  malformed_query: ["BadRequest", 400, "the query has more than one reading"],
  malformed_body: ["BadRequest", 400, "the body is not strict JSON or form data"],
  malformed_parameter: ["BadRequest", 400, "a parameter does not have the form the catalogue names"],
  ambiguous_parameter: ["BadRequest", 400, "a parameter is given twice"],
  missing_action: ["BadRequest", 400, "the field that the catalogue takes the action from is missing"],
  missing_environment: ["BadRequest", 400, "the field that the catalogue takes the environment from is missing"],
  method_override: ["BadRequest", 400, "the call asks for another method than the one it uses"],
  upgrade_refused: ["BadRequest", 400, "a protocol upgrade hides its body from inspection"],
  body_missing: ["BadRequest", 400, "a call that must have a body came without one"],
  body_unexpected: ["BadRequest", 400, "a call of a tool that takes no body came with one"],
  body_incomplete: ["BadRequest", 413, "only a part of the body could be inspected"],
  body_too_large: ["BadRequest", 413, "the body is larger than the limit"],
  unsupported_content_type: ["BadRequest", 415, "the body is neither JSON nor form data in UTF-8"],
  unsupported_content_encoding: ["BadRequest", 415, "the body is compressed"],

  credential_missing: ["Unauthenticated", 401, "no credential came with the call"],
  credential_ambiguous: ["Unauthenticated", 401, "more than one credential came with the call"],
  credential_malformed: ["Unauthenticated", 401, "the credential has no form that is known here"],
  token_invalid: ["Unauthenticated", 401, "the token's signature or a claim does not hold"],
  token_expired: ["Unauthenticated", 401, "the token has expired"],
  token_not_yet_valid: ["Unauthenticated", 401, "the token is not valid yet"],
  token_wrong_issuer: ["Unauthenticated", 401, "the token comes from an issuer that is not trusted here"],
  token_wrong_audience: ["Unauthenticated", 401, "the token is meant for somebody else"],
  token_lifetime: ["Unauthenticated", 401, "the token lives longer than is permitted"],
  api_key_unknown: ["Unauthenticated", 401, "the API key is not registered"],
  agent_unknown: ["Unauthenticated", 401, "the agent is not registered"],
  agent_disabled: ["Unauthenticated", 401, "the agent is disabled"],
  token_revoked: ["Unauthenticated", 401, "the token was revoked before it expired"],
  token_condition: ["Unauthenticated", 401, "the token's claims are not those that its issuer is trusted with"],
  spiffe_unknown: ["Unauthenticated", 401, "no agent is registered with the SPIFFE id of the connection"],
  spiffe_malformed: ["Unauthenticated", 401, "the connection's certificate is not that of exactly one SPIFFE id"],

  unknown_tool: ["PolicyViolation", 403, "no entry of the tool catalogue matches the call"],
  ambiguous_tool: ["PolicyViolation", 403, "more than one entry of the tool catalogue matches the call"],
  scope_exceeded: ["PolicyViolation", 403, "the call is outside the scopes of the agent or its token"],
  outside_task: ["PolicyViolation", 403, "the call is not part of the task that the session was started for"],
  attestation_missing: ["PolicyViolation", 403, "a session attestation is required and none came with the call"],
  attestation_invalid: ["PolicyViolation", 403, "the session attestation does not verify or is about another session"],
  attestation_expired: ["PolicyViolation", 403, "the session attestation is too old"],
  attestation_replayed: ["PolicyViolation", 403, "a newer attestation of the session was seen before"],
  override_invalid: ["PolicyViolation", 403, "the override token does not verify or belongs to somebody else"],
  override_expired: ["PolicyViolation", 403, "the approval behind the override token has expired"],
  override_used: ["PolicyViolation", 403, "the override token was used before"],

  no_policy: ["PolicyViolation", 403, "no policy names the agent"],
  deny_actions: ["PolicyViolation", 403, "the action is denied by name"],
  action_not_allowed: ["PolicyViolation", 403, "no matching policy lists the action"],
  allowed_environments: ["PolicyViolation", 403, "the environment is not allowed"],
  allowed_images: ["PolicyViolation", 403, "an image is not allowed"],
  egress: ["PolicyViolation", 403, "the destination is none that the agent's calls may go to"],
  params: ["PolicyViolation", 403, "a parameter is missing, or is not what the policy permits"],
  additional_params: ["PolicyViolation", 403, "the call has a parameter that the policy does not list"],
  session_unbound: ["PolicyViolation", 403, "the credential binds no session, and the policy asks for one"],
  session_role: ["PolicyViolation", 403, "the role behind the session is none that the policy permits"],
  session_not_clean: ["PolicyViolation", 403, "the integrity of the session is not clean"],
  session_anomalies: ["PolicyViolation", 403, "there were anomalies in the session"],
  windows: ["PolicyViolation", 403, "the policy does not permit the action at this time"],
  dlp: [
    "PolicyViolation",
    403,
    "the call carries data that must not leave, or that cannot be redacted where it stands",
  ],
  rego: ["PolicyViolation", 403, "the user's own Rego denies the call, or could not be evaluated"],
  cost: ["PolicyViolation", 403, "what the call costs cannot be told from its parameters"],
  condition_error: ["PolicyViolation", 403, "a condition could not be evaluated for this call"],
  approval_needed: ["ApprovalNeeded", 403, "people have to approve the call first"],
  approval_denied: ["PolicyViolation", 403, "people were asked to approve the call and said no"],
  approval_too_large: ["PolicyViolation", 403, "the call is too large for people to judge whole"],

  rate_exceeded: ["RateLimited", 429, "the agent calls more often than its limit"],
  budget_exceeded: ["BudgetExceeded", 429, "the agent's budget of the day does not cover the call"],
  approvals_exceeded: ["RateLimited", 429, "the agent has too many approvals waiting for people"],

  issuer_unavailable: ["Unavailable", 503, "the keys of the token's issuer cannot be had"],
  store_unavailable: ["Unavailable", 503, "the store of limits and approvals did not answer in time"],
  evaluation_failed: ["Unavailable", 503, "the policy could not be evaluated"],
  audit_unavailable: ["Unavailable", 503, "the decision could not be recorded"],
  internal_error: ["Unavailable", 503, "the authorizer failed"],
} as const satisfies Record<string, readonly [ErrorName, number, string]>;

export type PassingReason = keyof typeof passing;
export type RefusalReason = keyof typeof refusing | `max_${string}` | `min_${string}` | `session_touched_${string}`;
export type Reason = PassingReason | RefusalReason;

/** Reasons that are named after what the user wrote. */
const open = /^(max|min|session_touched)_/;

/** The error name and HTTP status of a refusal reason. */
export function refusalOf(reason: RefusalReason): { error: ErrorName; status: number } {
  const row = Object.hasOwn(refusing, reason) ? refusing[reason as keyof typeof refusing] : undefined;
  if (row) return { error: row[0], status: row[1] };
  if (open.test(reason)) return { error: "PolicyViolation", status: 403 };
  return { error: "Unavailable", status: 503 };
}

/** Every reason with its meaning, for the reference in `docs/` and its test. */
export function reasonTable(): { reason: string; error: string; status: number; meaning: string }[] {
  return [
    ...Object.entries(passing).map(([reason, meaning]) => ({ reason, error: "", status: 200, meaning })),
    ...Object.entries(refusing).map(([reason, [error, status, meaning]]) => ({ reason, error, status, meaning })),
    { reason: "max_<param>", error: "PolicyViolation", status: 403, meaning: "a parameter is above its limit" },
    { reason: "min_<param>", error: "PolicyViolation", status: 403, meaning: "a parameter is below its limit" },
    {
      reason: "session_touched_<classification>",
      error: "PolicyViolation",
      status: 403,
      meaning: "the session has had access to such data, and nobody behind it is cleared for that",
    },
  ];
}
