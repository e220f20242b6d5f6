import { sha256Hex } from "../canonical.js";

/** So many tokens are remembered; the oldest makes room for the newest. */
const capacity = 10_000;

/** What verified tokens said, so that a signature is checked once and not at each call. */
export interface VerifiedTokens<T> {
  /** Of exactly this token. Whether it has expired or was revoked since is for the caller to check, at each use. */
  get(token: string): T | undefined;
  /** Only for a token that has passed every check. */
  set(token: string, verified: T): void;
}

/** The key is a hash of the whole token: of a part of it, another signature would find it too. */
export function verifiedTokens<T>(most: number = capacity): VerifiedTokens<T> {
  const known = new Map<string, T>();
  return {
    get: (token) => known.get(sha256Hex(token)),
    set(token, verified) {
      const key = sha256Hex(token);
      known.delete(key);
      known.set(key, verified);
      for (const oldest of known.keys()) {
        if (known.size <= most) break;
        known.delete(oldest);
      }
    },
  };
}
