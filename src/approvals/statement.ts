import { canonicalJson } from "../canonical.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";

/** What a signature of the approval key says. Kinds are kept apart by `typ` and `aud`. */
export interface Statement {
  /** JWS header `typ`. */
  typ: string;
  payload: { aud: string; [claim: string]: string | number | null };
}

/** Compact JWS (RFC 7515 section 7.1) over the RFC 8785 form of a statement. */
export function signStatement(key: SigningKey, statement: Statement): string {
  const input = signingInput(key, statement);
  return `${input}.${Buffer.from(key.sign(Buffer.from(input))).toString("base64url")}`;
}

/**
 * True when the JWS is our signature over exactly this statement. The signed bytes are built anew and compared, so that
 * nothing out of the store is ever parsed to find out how it wants to be verified.
 */
export function verifyStatement(key: VerifyKey, jws: string, statement: Statement): boolean {
  const input = signingInput(key, statement);
  if (!jws.startsWith(`${input}.`)) return false;
  const encoded = jws.slice(input.length + 1);
  const signature = Buffer.from(encoded, "base64url");
  return signature.toString("base64url") === encoded && key.verify(Buffer.from(input), signature);
}

function signingInput(key: VerifyKey, { typ, payload }: Statement): string {
  const header = { alg: key.alg, kid: key.kid, typ };
  return [header, payload].map((part) => Buffer.from(canonicalJson(part)).toString("base64url")).join(".");
}
