import { readPairs } from "../decode/query.js";
import { Refusal } from "../refusal.js";
import { OAuthError } from "./error.js";

/** The parameters of a request, each once, decoded. One that was sent without a value is not in here. */
export type Form = ReadonlyMap<string, string>;

/**
 * Reads an `application/x-www-form-urlencoded` body (RFC 6749 appendix B). Throws `OAuthError` `invalid_request` for what
 * readers take for different things and for a parameter that comes twice, in whatever case; one without a value counts
 * as omitted, and unknown ones stay unread (section 3.2).
 */
export function readForm(bytes: Uint8Array): Form {
  try {
    const pairs = readPairs(Buffer.from(bytes).toString("latin1"), "malformed_body");
    return new Map(pairs.flatMap(({ name, value }) => (value === "" ? [] : [[name, value] as const])));
  } catch (error) {
    if (error instanceof Refusal) throw new OAuthError("invalid_request", error.detail, { reason: error.reason });
    throw error;
  }
}

/** A parameter that has to be there. Throws `OAuthError` `invalid_request`. */
export function required(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OAuthError("invalid_request", `the parameter ${name} is missing`);
  return value;
}
