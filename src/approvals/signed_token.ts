import { errors, jwtVerify } from "jose";
import { z } from "zod";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import { signStatement } from "./statement.js";

/** One kind of token that people's browsers hold. Kinds are kept apart by `typ` and `aud`. */
export interface TokenKind<T> {
  /** JWS header `typ`. */
  typ: string;
  aud: string;
  /** What it says beside its times. */
  claims: z.ZodType<T>;
  /** Longest text that is looked at. */
  maxBytes: number;
}

const issuer = "countersign";
const times = z.object({ iat: z.number(), exp: z.number() });

/** A compact JWT by the approval key that holds for `ttlMs`, in whole seconds. */
export function signToken<T extends Record<string, string | number>>(
  key: SigningKey,
  { typ, aud }: TokenKind<T>,
  claims: T,
  { nowMs, ttlMs }: { nowMs: number; ttlMs: number },
): string {
  const [iat, exp] = [nowMs, nowMs + ttlMs].map((ms) => Math.floor(ms / 1000)) as [number, number];
  return signStatement(key, { typ, payload: { ...claims, iss: issuer, aud, iat, exp } });
}

/**
 * What a token of this kind says and when it ends; `null` when it does not hold. `maxAgeMs`: however long it was made for,
 * it holds no longer than that.
 */
export async function readSignedToken<T>(
  key: VerifyKey,
  { typ, aud, claims, maxBytes }: TokenKind<T>,
  token: string,
  { nowMs, maxAgeMs }: { nowMs: number; maxAgeMs: number },
): Promise<{ claims: T; expiresAtMs: number } | null> {
  if (token.length > maxBytes) return null;
  const payload = await payloadOf(key, token, { typ, aud, nowMs });
  const [said, when] = [claims.safeParse(payload), times.safeParse(payload)];
  if (!said.success || !when.success) return null;
  const expiresAtMs = Math.min(when.data.exp * 1000, when.data.iat * 1000 + maxAgeMs);
  return nowMs < expiresAtMs ? { claims: said.data, expiresAtMs } : null;
}

async function payloadOf(
  key: VerifyKey,
  token: string,
  { typ, aud, nowMs }: { typ: string; aud: string; nowMs: number },
): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(token, key.verifyKey, {
      algorithms: [key.alg],
      typ,
      issuer,
      audience: aud,
      requiredClaims: ["iat", "exp"],
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
