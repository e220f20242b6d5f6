import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  sign as cryptoSign,
  verify as cryptoVerify,
  type JsonWebKey,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import { calculateJwkThumbprint, type JWK } from "jose";
import { algorithms, essentialOf, holdsPrivate, type Jwk, type SignatureAlgorithm } from "./jwk.js";

/** A key that can check signatures: a secret, or the public half of a pair. */
export interface VerifyKey {
  /** The file's `kid`, else the RFC 7638 thumbprint. */
  readonly kid: string;
  /** Follows from the type of the key, never from what a message claims. */
  readonly alg: SignatureAlgorithm;
  /** RFC 7638, of the key material alone: equal for two files exactly when they hold the same key. */
  readonly thumbprint: string;
  /** For `jwtVerify` of jose. Of a secret it is the secret. */
  readonly verifyKey: KeyObject;
  /** False for a signature of the wrong length or form; never throws. */
  verify(data: Uint8Array, signature: Uint8Array): boolean;
  /** With `kid`, `alg` and `use`, fit for a JWKS; `null` for a secret, which has no public half. */
  publicJwk(): JWK | null;
}

/** A key that can also make them. */
export interface SigningKey extends VerifyKey {
  /** For `SignJWT` of jose. Of a secret it is the secret. */
  readonly signKey: KeyObject;
  /** Raw bytes: the MAC, the 64 bytes of Ed25519, or r and s side by side (RFC 7518 section 3.4). */
  sign(data: Uint8Array): Uint8Array;
  /** The same as base64url. */
  signText(data: Uint8Array): string;
}

/** The checking half of a JWK. Throws when its numbers are no key, or its halves do not belong together. */
export async function verifyKeyOf(jwk: Jwk): Promise<VerifyKey> {
  const verifyKey = publicKeyOf(jwk);
  const alg = algorithms[jwk.kty];
  const essential = essentialOf(jwk);
  const thumbprint = await calculateJwkThumbprint(essential as JWK, "sha256");
  const kid = jwk.kid ?? thumbprint;
  return {
    kid,
    alg,
    thumbprint,
    verifyKey,
    verify: verifierOf(alg, verifyKey),
    publicJwk: () => (jwk.kty === "oct" ? null : ({ ...essential, kid, alg, use: "sig" } as JWK)),
  };
}

/** The whole of a JWK. Throws when it holds no private part, and as `verifyKeyOf` does. */
export async function signingKeyOf(jwk: Jwk): Promise<SigningKey> {
  if (!holdsPrivate(jwk)) throw new Error("holds only the public half, which cannot sign");
  const key = await verifyKeyOf(jwk);
  const signKey = jwk.kty === "oct" ? key.verifyKey : privateKeyOf(jwk);
  const { sign, signText } = signerOf(key.alg, signKey);
  return { ...key, signKey, sign, signText };
}

function signerOf(alg: SignatureAlgorithm, key: KeyObject): Pick<SigningKey, "sign" | "signText"> {
  if (alg === "HS256") {
    const mac = (data: Uint8Array) => createHmac("sha256", key).update(data);
    return { sign: (data) => mac(data).digest(), signText: (data) => mac(data).digest("base64url") };
  }
  const sign = (data: Uint8Array): Buffer => signers[alg](key, data);
  return { sign, signText: (data) => sign(data).toString("base64url") };
}

const signers: Record<Exclude<SignatureAlgorithm, "HS256">, (key: KeyObject, data: Uint8Array) => Buffer> = {
  EdDSA: (key, data) => cryptoSign(null, data, key),
  ES256: (key, data) => cryptoSign("sha256", data, { key, dsaEncoding: "ieee-p1363" }),
};

function verifierOf(alg: SignatureAlgorithm, key: KeyObject): VerifyKey["verify"] {
  if (alg === "HS256") {
    const { sign } = signerOf(alg, key);
    return (data, signature) => signature.length === 32 && timingSafeEqual(signature, sign(data));
  }
  return (data, signature) => signature.length === 64 && verifiers[alg](key, data, signature);
}

const verifiers: Record<keyof typeof signers, (key: KeyObject, data: Uint8Array, signature: Uint8Array) => boolean> = {
  EdDSA: (key, data, signature) => cryptoVerify(null, data, key, signature),
  ES256: (key, data, signature) => cryptoVerify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, signature),
};

function privateKeyOf(jwk: Jwk): KeyObject {
  return createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" });
}

function publicKeyOf(jwk: Jwk): KeyObject {
  if (jwk.kty === "oct") return createSecretKey(Buffer.from(jwk.k, "base64url"));
  const named = createPublicKey({ key: essentialOf(jwk) as JsonWebKey, format: "jwk" });
  // OpenSSL takes `d` alone for the truth, so a file whose `x` belongs to another key would sign what nobody can check.
  if (jwk.d !== undefined && !createPublicKey(privateKeyOf(jwk)).equals(named)) {
    throw new Error("its private and its public half do not belong together");
  }
  return named;
}
