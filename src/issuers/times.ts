import { refuse } from "./refused.js";

/** How far the clock of who issued a token may be ahead of ours. Expiry gets no grace. */
export const skewMs = 5_000;

/** Of a token, in seconds since the Unix epoch (RFC 7519 section 2, NumericDate). */
export interface Times {
  exp: number;
  iat: number;
  nbf?: number | undefined;
}

/** Throws `Refusal` unless the token holds at `nowMs`. Needed at each use, also of a token that was verified before. */
export function checkTimes({ exp, iat, nbf }: Times, nowMs: number): void {
  if (!(exp * 1000 > nowMs)) throw refuse("token_expired");
  if (!(iat * 1000 <= nowMs + skewMs)) throw refuse("token_not_yet_valid");
  if (nbf !== undefined && !(nbf * 1000 <= nowMs + skewMs)) throw refuse("token_not_yet_valid");
}

/** How long the token lives in all, in milliseconds. */
export function lifetimeMs({ exp, iat }: Times): number {
  return (exp - iat) * 1000;
}
