import { z } from "zod";

/** What a key may be used for. A key has one use, so that a signature made for one purpose proves nothing for another. */
export const keyUses = ["issuer", "approvals", "audit", "attestation", "links", "bundle"] as const;
export type KeyUse = (typeof keyUses)[number];

/** JWK key types we sign with: HMAC-SHA-256, Ed25519 (RFC 8037) and ECDSA on P-256. */
export const keyKinds = ["oct", "OKP", "EC"] as const;
export type KeyKind = (typeof keyKinds)[number];

export type SignatureAlgorithm = "HS256" | "EdDSA" | "ES256";

export const algorithms: Record<KeyKind, SignatureAlgorithm> = { oct: "HS256", OKP: "EdDSA", EC: "ES256" };

/** A key shorter than the hash it feeds weakens the MAC (RFC 7518 section 3.2). */
export const minSecretBytes = 32;

const base64url = z.string().refine((text) => isBase64Url(text), "is not unpadded base64url");

/** Members that say what a JWK is for (RFC 7517 section 4), and our own `countersign_use`. */
const purpose = {
  kid: z.string().min(1).max(256).optional(),
  alg: z.string().optional(),
  use: z.literal("sig").optional(),
  key_ops: z.array(z.string()).optional(),
  countersign_use: z.enum(keyUses).optional(),
};

const secret = base64url.refine((text) => Buffer.from(text, "base64url").length >= minSecretBytes, {
  message: `is a secret of fewer than ${minSecretBytes} bytes`,
});

/** The JWKs that can be a key here. Members that RFC 7517 lets others add are ignored. */
export const jwkSchema = z.discriminatedUnion("kty", [
  z.looseObject({ kty: z.literal("oct"), k: secret, ...purpose }),
  z.looseObject({
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: base64url,
    d: base64url.optional(),
    ...purpose,
  }),
  z.looseObject({
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: base64url,
    y: base64url,
    d: base64url.optional(),
    ...purpose,
  }),
]);

export type Jwk = z.infer<typeof jwkSchema>;

/** True when the text is the one unpadded base64url spelling of its bytes, spare bits included. */
export function isBase64Url(text: string): boolean {
  return text !== "" && Buffer.from(text, "base64url").toString("base64url") === text;
}

/** True when the JWK can sign: a secret, or the private half of a pair. */
export function holdsPrivate(jwk: Jwk): boolean {
  return jwk.kty === "oct" || jwk.d !== undefined;
}

/** The members that RFC 7638 section 3.2 hashes, which are also everything that is public of a pair. */
export function essentialOf(jwk: Jwk): Record<string, string> {
  switch (jwk.kty) {
    case "oct":
      return { kty: jwk.kty, k: jwk.k };
    case "OKP":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x };
    case "EC":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y };
    default:
      return jwk satisfies never;
  }
}
