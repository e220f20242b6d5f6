import { errors } from "jose";
import type { RefusalReason } from "../reasons.js";
import { Refusal } from "../refusal.js";

/** Claims whose failed check, as opposed to their absence, has a reason of its own. */
const failedChecks: Readonly<Record<string, RefusalReason>> = {
  iss: "token_wrong_issuer",
  aud: "token_wrong_audience",
  nbf: "token_not_yet_valid",
};

/** The reason for what jose found wrong with a token. */
export function reasonOf(error: errors.JOSEError): RefusalReason {
  if (error instanceof errors.JWTExpired) return "token_expired";
  if (error instanceof errors.JWTClaimValidationFailed && error.reason === "check_failed") {
    return failedChecks[error.claim] ?? "token_invalid";
  }
  return "token_invalid";
}

/** What the bearer is told. It does not say more than the reason does: who forges tokens reads it too. */
const details: Readonly<Partial<Record<RefusalReason, string>>> = {
  credential_malformed: "the bearer token is not a JWT",
  token_expired: "the token has expired",
  token_not_yet_valid: "the token is not valid yet",
  token_wrong_issuer: "the token comes from an issuer that is not trusted here",
  token_wrong_audience: "the token is meant for another audience",
  token_lifetime: "the token lives longer than is permitted",
  token_revoked: "the token has been revoked",
  token_condition: "the token's claims are not those that its issuer is trusted with",
  issuer_unavailable: "the keys of the token's issuer cannot be had at the moment",
};

/** The refusal of a token; `cause` is for the log alone. */
export function refuse(reason: RefusalReason, cause?: unknown): Refusal {
  return new Refusal(reason, details[reason] ?? "the token does not hold", cause === undefined ? {} : { cause });
}
