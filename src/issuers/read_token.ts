import type { Json } from "../call.js";
import { readJsonObject } from "../json/strict.js";
import { isBase64Url } from "../keys/jwk.js";
import { refuse } from "./refused.js";
import type { Claims } from "./values.js";

/** Longest bearer token that is looked at, in bytes. Proxies refuse header blocks of more than that anyway. */
export const maxTokenBytes = 8_192;

/** Three base64url parts (RFC 7515 section 7.1). The last may be empty, so that `alg: none` is told as what it is. */
const compactForm = /^[\w-]+\.[\w-]+\.[\w-]*$/;

interface ReadToken {
  header: Claims;
  claims: Claims;
}

/**
 * Reads a compact JWS of JSON without verifying anything: each part in its one spelling, header and claims without
 * repeated names (RFC 8725 section 2.4 is about what two readers make of those). Throws `Refusal` with
 * `credential_malformed` for what is no JWT, and `token_invalid` for claims or a signature that cannot be read.
 */
export function readToken(token: string, maxBytes: number = maxTokenBytes): ReadToken {
  if (token.length > maxBytes || !compactForm.test(token)) throw refuse("credential_malformed");
  const [header = "", claims = "", signature = ""] = token.split(".");
  if (!isBase64Url(header) || !isBase64Url(claims)) throw refuse("credential_malformed");
  if (!isBase64Url(signature)) throw refuse("token_invalid");
  return { header: readPart(header, "credential_malformed"), claims: readPart(claims, "token_invalid") };
}

function readPart(part: string, reason: "credential_malformed" | "token_invalid"): Claims {
  try {
    return readJsonObject(Buffer.from(part, "base64url"));
  } catch (error) {
    throw refuse(reason, error);
  }
}

/** The `iss` of a token that nobody has verified, to choose who shall; `undefined` when it cannot be told. */
export function claimedIssuer(token: string): Json | undefined {
  if (token.length > maxTokenBytes || !compactForm.test(token)) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    return typeof claims === "object" && claims !== null ? (claims as Record<string, Json>).iss : undefined;
  } catch {
    return undefined;
  }
}
