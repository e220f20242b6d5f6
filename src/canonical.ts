import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/**
 * RFC 8785 (JCS) form of a JSON value. Members that are `undefined` are left out, as `JSON.stringify` does.
 * Throws a `TypeError` or `Error` on what JSON cannot say: NaN, infinities, lone surrogates, a bare `undefined`.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("value has no JSON form");
  return text;
}

/** Lower-case hex SHA-256. Strings are hashed as UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
