import { errors, jwtVerify } from "jose";
import { maxTokenBytes, readToken } from "../issuers/read_token.js";
import { reasonOf, refuse } from "../issuers/refused.js";
import { checkTimes, lifetimeMs } from "../issuers/times.js";
import type { Claims } from "../issuers/values.js";
import { verifiedTokens } from "../issuers/verified_tokens.js";
import type { VerifyKey } from "../keys/keys.js";
import { type AgentClaims, agentClaims, agentTokenType } from "./claims.js";

/** Everything our own tokens have in the header. Others would let a token say how it wants to be checked. */
const knownHeaders: ReadonlySet<string> = new Set(["alg", "typ", "kid"]);

/** Checks the tokens of one issuer. */
export interface IssuerVerifier {
  /**
   * The claims of a token that holds at `nowMs`; else throws `Refusal` with a reason of status 401. Whether it was revoked
   * is not known here.
   */
  verify(token: string, nowMs: number): Promise<AgentClaims>;
  /** The same of a token that was verified before, without waiting; `undefined` for any other. */
  remembered(token: string, nowMs: number): AgentClaims | undefined;
  /** `iss` of its tokens. */
  readonly issuer: string;
  /** What a token's `aud` has to contain. */
  readonly audience: string;
}

/**
 * The issuer that this installation runs itself. `keys` are tried by `kid` only; the algorithm follows from the key. While
 * keys change, the old one and the new one are both among them. `maxTtlMs` bounds `exp - iat`, whoever made the token.
 * Tokens that held are remembered, and their times looked at each time.
 */
export function localIssuer(options: {
  issuer: string;
  audience: string;
  maxTtlMs: number;
  keys: readonly VerifyKey[];
}): IssuerVerifier {
  const { issuer, audience, maxTtlMs, keys } = options;
  const tokens = verifiedTokens<AgentClaims>();

  function remembered(token: string, nowMs: number): AgentClaims | undefined {
    const claims = tokens.get(token);
    if (claims) checkTimes(claims, nowMs);
    return claims;
  }

  async function verify(token: string, nowMs: number): Promise<AgentClaims> {
    const known = remembered(token, nowMs);
    if (known) return known;
    const claims = await verifyNew(token, nowMs);
    checkTimes(claims, nowMs);
    tokens.set(token, claims, { exp: claims.exp, nowMs });
    return claims;
  }

  async function verifyNew(token: string, nowMs: number): Promise<AgentClaims> {
    const { header, claims: payload } = readToken(token, maxTokenBytes);
    await verifySignature(token, selectKey(header, keys), { issuer, audience, nowMs });
    const claims = agentClaims.safeParse(payload);
    if (!claims.success) throw refuse("token_invalid", claims.error);
    if (lifetimeMs(claims.data) > maxTtlMs) throw refuse("token_lifetime");
    return claims.data;
  }

  return { verify, remembered, issuer, audience };
}

function selectKey(header: Claims, keys: readonly VerifyKey[]): VerifyKey {
  const unknown = Object.keys(header).filter((name) => !knownHeaders.has(name));
  if (unknown.length > 0) throw refuse("token_invalid", new Error(`header parameters ${unknown.join(", ")}`));
  const candidates = header.kid === undefined ? keys : keys.filter((key) => key.kid === header.kid);
  const [key, ...others] = candidates;
  if (!key || others.length > 0) throw refuse("token_invalid", new Error("kid selects none of the issuer's keys"));
  return key;
}

async function verifySignature(
  token: string,
  key: VerifyKey,
  wanted: { issuer: string; audience: string; nowMs: number },
): Promise<void> {
  try {
    await jwtVerify(token, key.verifyKey, {
      algorithms: [key.alg],
      typ: agentTokenType,
      issuer: wanted.issuer,
      audience: wanted.audience,
      requiredClaims: ["exp", "iat", "sub", "jti"],
      currentDate: new Date(wanted.nowMs),
    });
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refuse(reasonOf(error), error);
    throw error;
  }
}
