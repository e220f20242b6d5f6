import { createPublicKey, type JsonWebKey } from "node:crypto";
import type { JWK } from "jose";
import { z } from "zod";

/** Most keys of one set. Each costs time when it is read, and a token without `kid` may be tried with all of them. */
const maxKeys = 100;

/** NIST SP 800-131A; jose refuses smaller ones too. Larger ones than the upper bound only cost time. */
const rsaBits = { least: 2_048, most: 8_192 };

const purpose = {
  kid: z.string().min(1).max(512).optional(),
  use: z.literal("sig").optional(),
  key_ops: z
    .array(z.string())
    .refine((operations) => operations.includes("verify"))
    .optional(),
};

/** A private half in public is nobody's proof any more. */
const notThere = z.undefined().optional();

/** By type of key, the algorithms that a key may name (RFC 7518 section 3.1, RFC 8037 section 3.1). */
const publicJwk = z.discriminatedUnion("kty", [
  z.object({
    kty: z.literal("RSA"),
    n: z.string(),
    e: z.string(),
    d: notThere,
    alg: z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]).optional(),
    ...purpose,
  }),
  z.object({
    kty: z.literal("EC"),
    crv: z.enum(["P-256", "P-384", "P-521"]),
    x: z.string(),
    y: z.string(),
    d: notThere,
    alg: z.enum(["ES256", "ES384", "ES512"]).optional(),
    ...purpose,
  }),
  z.object({
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: z.string(),
    d: notThere,
    alg: z.literal("EdDSA").optional(),
    ...purpose,
  }),
]);

const jwkSet = z.object({ keys: z.array(z.unknown()).max(maxKeys) });

/**
 * The keys of a JWK Set (RFC 7517 section 5) that can check signatures here, with the members that matter for that. Others
 * are left out: symmetric and private ones, those for encryption, weak ones, and what is no key at all. Throws `Error` for
 * what is no JWK Set, has too many keys, or has none that is of use.
 */
export function usableKeys(set: unknown): JWK[] {
  const read = jwkSet.safeParse(set);
  if (!read.success) throw new Error(`it is no JWK Set of at most ${maxKeys} keys`);
  const keys = read.data.keys.flatMap((value) => {
    const jwk = publicJwk.safeParse(value);
    return jwk.success && isStrongKey(jwk.data) ? [withoutUndefined(jwk.data)] : [];
  });
  if (keys.length === 0) throw new Error("it holds no key that checks signatures");
  return keys;
}

function isStrongKey(jwk: z.output<typeof publicJwk>): boolean {
  try {
    const key = createPublicKey({ key: withoutUndefined(jwk) as JsonWebKey, format: "jwk" });
    if (jwk.kty !== "RSA") return true;
    const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
    return modulusLength >= rsaBits.least && modulusLength <= rsaBits.most && publicExponent >= 3n;
  } catch {
    return false;
  }
}

function withoutUndefined(jwk: z.output<typeof publicJwk>): JWK {
  return JSON.parse(JSON.stringify(jwk)) as JWK;
}
