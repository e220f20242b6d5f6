import { inOnePiece } from "../one_piece.js";

/**
 * What is remembered at most; the oldest makes room for the newest. Bytes are those of the tokens, of which one
 * that is remembered takes about four times as many. So a hundred thousand agents with a token of 600 bytes each fit.
 */
export interface Most {
  tokens: number;
  bytes: number;
}

const most: Most = { tokens: 150_000, bytes: 64 * 1024 * 1024 };
/** Entries that are looked at for their expiry with each new one: all are looked at before twice as many came. */
const sweptAtOnce = 2;

/** What verified tokens said, so that a signature is checked once and not at each call. */
export interface VerifiedTokens<T> {
  /** Of exactly this token. Whether it has expired or was revoked since is for the caller to check, at each use. */
  get(token: string): T | undefined;
  /** Only for a token that has passed every check. It is forgotten at some time after `exp`, in seconds since the epoch. */
  set(token: string, verified: T, until: { exp: number; nowMs: number }): void;
}

interface Entry<T> {
  readonly token: string;
  readonly verified: T;
  readonly exp: number;
}

/** Characters of a token by which it is looked for: of a signature they are 96 bits, which no two tokens share by chance. */
const keyLength = 16;

/**
 * Tokens are looked for by their end and compared in full: another token with the same end is not taken for the one that was
 * verified, only makes it be verified again. That takes a sixth of a hash of the whole token.
 */
export function verifiedTokens<T>({ tokens, bytes }: Most = most): VerifiedTokens<T> {
  const known = new Map<string, Entry<T>>();
  let held = 0;
  let swept = known.entries();

  function forget(key: string): void {
    held -= known.get(key)?.token.length ?? 0;
    known.delete(key);
  }

  function sweep(nowMs: number): void {
    for (let n = 0; n < sweptAtOnce; n++) {
      const next = swept.next();
      if (next.done) swept = known.entries();
      else if (next.value[1].exp * 1000 <= nowMs) forget(next.value[0]);
    }
  }

  return {
    get(token) {
      const entry = known.get(keyOf(token));
      return entry !== undefined && entry.token === token ? entry.verified : undefined;
    },
    set(given, verified, { exp, nowMs }) {
      // It may be cut out of a header.
      const token = inOnePiece(given);
      const key = keyOf(token);
      forget(key);
      known.set(key, { token, verified, exp });
      held += token.length;
      sweep(nowMs);
      for (const oldest of known.keys()) {
        if (known.size <= tokens && held <= bytes) break;
        forget(oldest);
      }
    },
  };
}

function keyOf(token: string): string {
  return token.slice(-keyLength);
}
