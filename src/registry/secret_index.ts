import { createHmac, randomBytes } from "node:crypto";
import { sha256Hex } from "../canonical.js";
import { atOnce } from "../slices.js";

/**
 * Look-up by the SHA-256 of a secret. The map's keys are MACs under a key of this process, so the time of a look-up
 * says nothing about how much of a registered hash a guess has right, and it does not grow with the registry.
 */
export function secretIndex<T>(owners: Owners<T>): (secret: string) => T | undefined {
  return atOnce(secretIndexing(owners));
}

type Owners<T> = Iterable<readonly [T, readonly string[]]>;

/** Makes such an index, an owner a step. */
export function* secretIndexing<T>(owners: Owners<T>): Generator<void, (secret: string) => T | undefined> {
  const macKey = randomBytes(32);
  const place = (hash: string) => createHmac("sha256", macKey).update(hash).digest("base64");
  const index = new Map<string, T>();
  for (const [owner, hashes] of owners) {
    for (const hash of hashes) index.set(place(hash), owner);
    yield;
  }
  return (secret) => index.get(place(sha256Hex(secret)));
}
