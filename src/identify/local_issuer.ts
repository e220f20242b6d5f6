import { decodeProtectedHeader, errors, jwtVerify, type ProtectedHeaderParameters } from "jose";
import type { VerifyKey } from "../keys/keys.js";
import type { RefusalReason } from "../reasons.js";
import { Refusal } from "../refusal.js";
import { type AgentClaims, agentClaims, agentTokenType, compactForm, maxTokenBytes } from "./claims.js";

/** How far the clock of the issuing process may be ahead of ours. Expiry gets no grace. */
const skewMs = 5_000;

/** Everything our own tokens have in the header. Others would let a token say how it wants to be checked. */
const knownHeaders: ReadonlySet<string> = new Set(["alg", "typ", "kid"]);

/** Checks the tokens of one issuer. */
export interface IssuerVerifier {
  /** The claims of a token that holds at `nowMs`; else throws `Refusal` with a reason of status 401. */
  verify(token: string, nowMs: number): Promise<AgentClaims>;
  /** What a token's `aud` has to contain. */
  readonly audience: string;
}

/**
 * The issuer that this installation runs itself. `keys` are tried by `kid` only; the algorithm follows from the key.
 * `maxTtlMs` bounds `exp - iat`, whoever made the token.
 */
export function localIssuer(options: {
  issuer: string;
  audience: string;
  maxTtlMs: number;
  keys: readonly VerifyKey[];
}): IssuerVerifier {
  const { issuer, audience, maxTtlMs, keys } = options;

  async function verify(token: string, nowMs: number): Promise<AgentClaims> {
    const key = selectKey(readHeader(token), keys);
    const payload = await verified(token, key, { issuer, audience, nowMs });
    const claims = agentClaims.safeParse(payload);
    if (!claims.success) throw refuse("token_invalid", claims.error);
    checkTimes(claims.data, nowMs, maxTtlMs);
    return claims.data;
  }

  return { verify, audience };
}

function readHeader(token: string): ProtectedHeaderParameters {
  if (token.length > maxTokenBytes || !compactForm.test(token)) throw refuse("credential_malformed");
  let header: ProtectedHeaderParameters;
  try {
    header = decodeProtectedHeader(token);
  } catch (error) {
    throw refuse("credential_malformed", error);
  }
  const unknown = Object.keys(header).filter((name) => !knownHeaders.has(name));
  if (unknown.length > 0) throw refuse("token_invalid", new Error(`header parameters ${unknown.join(", ")}`));
  return header;
}

function selectKey(header: ProtectedHeaderParameters, keys: readonly VerifyKey[]): VerifyKey {
  const candidates = header.kid === undefined ? keys : keys.filter((key) => key.kid === header.kid);
  const [key, ...others] = candidates;
  if (!key || others.length > 0) throw refuse("token_invalid", new Error("kid selects none of the issuer's keys"));
  return key;
}

async function verified(
  token: string,
  key: VerifyKey,
  wanted: { issuer: string; audience: string; nowMs: number },
): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(token, key.verifyKey, {
      algorithms: [key.alg],
      typ: agentTokenType,
      issuer: wanted.issuer,
      audience: wanted.audience,
      requiredClaims: ["exp", "iat", "sub", "jti"],
      currentDate: new Date(wanted.nowMs),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refuse(reasonOf(error), error);
    throw error;
  }
}

function checkTimes(claims: AgentClaims, nowMs: number, maxTtlMs: number): void {
  if (claims.iat * 1000 > nowMs + skewMs) throw refuse("token_not_yet_valid");
  if ((claims.exp - claims.iat) * 1000 > maxTtlMs) throw refuse("token_lifetime");
}

/** Claims whose failed check, as opposed to their absence, has a reason of its own. */
const failedChecks: Readonly<Record<string, RefusalReason>> = {
  iss: "token_wrong_issuer",
  aud: "token_wrong_audience",
  nbf: "token_not_yet_valid",
};

function reasonOf(error: errors.JOSEError): RefusalReason {
  if (error instanceof errors.JWTExpired) return "token_expired";
  if (error instanceof errors.JWTClaimValidationFailed && error.reason === "check_failed") {
    return failedChecks[error.claim] ?? "token_invalid";
  }
  return "token_invalid";
}

const details: Readonly<Partial<Record<RefusalReason, string>>> = {
  credential_malformed: "the bearer token is not a JWT",
  token_expired: "the token has expired",
  token_not_yet_valid: "the token is not valid yet",
  token_wrong_issuer: "the token comes from an issuer that is not trusted here",
  token_wrong_audience: "the token is meant for another audience",
  token_lifetime: "the token lives longer than is permitted",
};

function refuse(reason: RefusalReason, cause?: unknown): Refusal {
  return new Refusal(reason, details[reason] ?? "the token does not hold", cause === undefined ? {} : { cause });
}
