import { errors, type JWTVerifyOptions, jwtVerify } from "jose";
import { Refusal } from "../refusal.js";
import type { KeySet, KeySource } from "./jwks.js";
import { reasonOf, refuse } from "./refused.js";

/**
 * Checks signature and claims by `options`, with newer keys when none of those that are known is the token's. Returns the
 * keys it holds under. Throws `Refusal` with a reason of status 401, or `issuer_unavailable`.
 */
export async function verifySignature(token: string, source: KeySource, options: JWTVerifyOptions): Promise<KeySet> {
  try {
    const keys = await source.current();
    if (await verifiedBy(keys, token, options)) return keys;
    const newer = await source.newerThan(keys);
    if (newer !== keys && (await verifiedBy(newer, token, options))) return newer;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    // The keys are somebody else's as well: what goes wrong with them is no failure of ours.
    throw refuse(error instanceof errors.JOSEError ? reasonOf(error) : "token_invalid", error);
  }
  throw refuse("token_invalid", new Error("none of the issuer's keys is the token's"));
}

/** False when no key of the set can be the token's; throws when the token does not hold. */
async function verifiedBy(keys: KeySet, token: string, options: JWTVerifyOptions): Promise<boolean> {
  try {
    await jwtVerify(token, keys.select, options);
    return true;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return false;
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    return verifiedByOneOf(error, token, options);
  }
}

/** For a token without `kid`, or issuers whose keys share one. */
async function verifiedByOneOf(
  keys: errors.JWKSMultipleMatchingKeys,
  token: string,
  options: JWTVerifyOptions,
): Promise<true> {
  for await (const key of keys) {
    try {
      await jwtVerify(token, key, options);
      return true;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}
