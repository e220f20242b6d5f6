import { z } from "zod";
import type { Located, Path, Problem } from "../files/located_yaml.js";

/** Ids go into logs, URLs and scope claims, so they are visible ASCII without separators of those. */
const idForm = /^[A-Za-z0-9][A-Za-z0-9._@:/-]{0,127}$/;
const emptyKeyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Id of an agent or a person: 1 to 128 characters of `A-Z a-z 0-9 . _ @ : / -`, the first a letter or digit. */
export const id = z
  .string()
  .regex(idForm, "must be 1 to 128 characters of letters, digits and . _ @ : / -, the first a letter or digit");

/** Free short text such as a role: 1 to 128 characters, no control characters. */
export const word = z
  .string()
  .regex(/^[^\p{Cc}\p{Cf}]{1,128}$/u, "must be 1 to 128 characters, none a control character");

/** `{sha256}` of a key or token: 64 hex digits; upper case is accepted and made lower. */
export const secretHash = z.strictObject({
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, "must be the SHA-256 of the secret as 64 hex digits")
    .transform((hex) => hex.toLowerCase())
    .refine((hex) => hex !== emptyKeyHash, "is the hash of an empty secret"),
});

/**
 * Tells every value that was seen before, at its own place.
 * `fold` names what counts as the same value; the message shows the value as written.
 */
export function duplicates(
  located: Located<unknown>,
  entries: Iterable<{ value: string; path: Path }>,
  says: (value: string) => string,
  fold: (value: string) => string = (value) => value,
): Problem[] {
  const seen = new Set<string>();
  const problems: Problem[] = [];
  for (const { value, path } of entries) {
    const same = fold(value);
    if (seen.has(same)) problems.push(located.problem(path, says(value)));
    seen.add(same);
  }
  return problems;
}
