import type { Answer } from "../outcome.js";
import type { ErrorName } from "../reasons.js";

/** What an agent does next about a refusal, where the error alone says it. */
const byError: Record<ErrorName, string> = {
  PolicyViolation:
    "change the call so that it keeps the rules under `violations`, or do without it; the same call is refused again",
  ApprovalNeeded:
    "ask `approval.status_url?wait=30s` with your own credential until `override_token` is there, then repeat this very call with the header x-countersign-override",
  Unauthenticated: "get a fresh token, send exactly one credential, and repeat the call",
  BadRequest: "mend the request as `detail` says; the same request is refused again",
  RateLimited: "wait as long as the header retry-after says, then repeat the same call",
  BudgetExceeded:
    "do without the call, or wait as long as the header retry-after says; GET /v1/usage/{your agent id} shows what is left",
  Unavailable: "nothing is known against the call: repeat it after a moment, waiting longer each time",
};

/** Where one reason asks for something else than its error. */
const byReason: Readonly<Record<string, string>> = {
  approval_denied: "people said no to this call; do without it, or ask them why before another attempt",
  approval_too_large: "make the call smaller, so that people can read the whole of it",
  approvals_exceeded: "wait until people have answered some of your pending approvals, then repeat the same call",
  override_invalid: "repeat the call without x-countersign-override to ask for approval anew",
  override_expired: "repeat the call without x-countersign-override to ask for approval anew",
  override_used: "the call was let through with this token before; another one needs an approval of its own",
  agent_disabled: "stop: the agent was disabled by an administrator",
  credential_missing: "send a credential with the call: authorization: Bearer <token>",
  token_expired: "get a fresh token and repeat the call",
  unknown_tool: "call a tool of the catalogue; this host, method and path are none",
  scope_exceeded: "do without the call: your token does not cover the tool and action",
};

/** One sentence for the agent: what to do next. The same for every call with that reason. */
export function nextStep({ reason }: Pick<Answer, "reason">, error: ErrorName): string {
  return Object.hasOwn(byReason, reason) ? (byReason[reason] ?? byError[error]) : byError[error];
}

/** Reasons with a sentence of their own; a test holds them to the table of reasons. */
export const reasonsWithNext = Object.keys(byReason);
