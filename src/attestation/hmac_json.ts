import { canonicalJson } from "../canonical.js";
import { isBase64Url } from "../keys/jwk.js";
import type { SigningKey } from "../keys/keys.js";
import type { Verified } from "./jws.js";
import { type AttestationKey, type OwnKey, selectSecret } from "./keys.js";
import { unverified } from "./refuse.js";
import { strictObject } from "./strict_object.js";

const signatureForm = /^hmac-sha256:([0-9a-f]{64})$/;

/**
 * Base64url, without padding, of a JSON object whose `signature` is `hmac-sha256:<hex>`, HMAC-SHA-256 over the RFC 8785
 * form of all its other members. Throws `attestation_invalid` for anything else.
 */
export function verifyHmacJson(text: string, keys: readonly AttestationKey[], own: OwnKey): Verified {
  if (!isBase64Url(text)) throw unverified("it is neither a compact JWS nor base64url");
  const { signature, ...members } = strictObject(Buffer.from(text, "base64url"));
  const hex = typeof signature === "string" ? signatureForm.exec(signature)?.[1] : undefined;
  if (hex === undefined) throw unverified("its signature is not hmac-sha256:<64 hex digits>");
  const { kid } = members;
  if (kid !== undefined && typeof kid !== "string") throw unverified("its kid is no text");
  const by = selectSecret(kid, keys, own);
  if (!by.key.verify(Buffer.from(canonicalJson(members)), Buffer.from(hex, "hex"))) {
    throw unverified("its signature does not hold");
  }
  return { members, by };
}

/** The same form, written. `key` must be a secret; `kid` is the name that it has with those who check. */
export function signHmacJson(key: SigningKey, payload: object, kid: string = key.kid): string {
  if (key.alg !== "HS256") throw new TypeError("only a secret makes attestations of this form");
  const members = { ...payload, kid };
  const mac = Buffer.from(key.sign(Buffer.from(canonicalJson(members)))).toString("hex");
  return Buffer.from(canonicalJson({ ...members, signature: `hmac-sha256:${mac}` })).toString("base64url");
}
