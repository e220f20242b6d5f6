import { canonicalJson } from "../canonical.js";
import { isBase64Url } from "../keys/jwk.js";
import type { SigningKey } from "../keys/keys.js";
import { attestationType } from "./fields.js";
import { type AttestationKey, type OwnKey, type Selected, selectKey } from "./keys.js";
import { unverified } from "./refuse.js";
import { type Members, strictObject } from "./strict_object.js";

/** Everything that the header has. Others would let an attestation say how it wants to be checked. */
const headerMembers = ["alg", "kid", "typ"];

/** A payload whose signature holds, and the key that it holds under. */
export interface Verified {
  members: Members;
  by: Selected;
}

/** True for what is to be read as a compact JWS: base64url has no dot in it. */
export function isCompact(text: string): boolean {
  return text.includes(".");
}

/**
 * Compact JWS (RFC 7515 section 7.1). The algorithm is that of the key which `kid` names. Throws `attestation_invalid`
 * for anything that is not exactly one spelling of such an attestation.
 */
export function verifyJws(text: string, keys: readonly AttestationKey[], own: OwnKey): Verified {
  const [header = "", payload = "", signature = "", ...more] = text.split(".");
  if (more.length > 0 || ![header, payload, signature].every(isBase64Url)) throw unverified("it is no compact JWS");
  const { alg, kid, typ, ...unknown } = strictObject(Buffer.from(header, "base64url"));
  if (Object.keys(unknown).length > 0) throw unverified(`header members other than ${headerMembers.join(", ")}`);
  if (typ !== attestationType) throw unverified("its typ is not that of an attestation");
  if (typeof kid !== "string") throw unverified("it names no key");
  const by = selectKey(kid, keys, own);
  if (alg !== by.key.alg) throw unverified("its alg is not that of the key");
  if (!by.key.verify(Buffer.from(`${header}.${payload}`), Buffer.from(signature, "base64url"))) {
    throw unverified("its signature does not hold");
  }
  return { members: strictObject(Buffer.from(payload, "base64url")), by };
}

/** Compact JWS over the RFC 8785 form of the payload. `kid` is the name that the key has with those who check it. */
export function signJws(key: SigningKey, payload: object, kid: string = key.kid): string {
  const header = { alg: key.alg, kid, typ: attestationType };
  const input = [header, payload].map((part) => Buffer.from(canonicalJson(part)).toString("base64url")).join(".");
  return `${input}.${Buffer.from(key.sign(Buffer.from(input))).toString("base64url")}`;
}
