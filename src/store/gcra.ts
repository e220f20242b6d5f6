import type { Rate } from "./store.js";

/**
 * What GCRA says about one call. `tatUs` is the state to keep when the call is charged;
 * `retryAfterUs` the time after which the same call would conform, if nothing else is charged until then.
 */
export type GcraDecision = { conforms: true; tatUs: number } | { conforms: false; retryAfterUs: number };

/** Largest `intervalUs * burst`. Added to a clock of this century it stays an exact integer in a double. */
export const maxHorizonUs = 2 ** 52;

/**
 * Generic cell rate algorithm (ITU-T I.371, virtual scheduling form) for a call of weight one.
 *
 * All times are integer microseconds since the epoch. `tatUs` is the theoretical arrival time: the moment from which on
 * a full burst is free again; `null` for an agent that was never charged.
 */
export function gcra(nowUs: number, tatUs: number | null, rate: Rate): GcraDecision {
  const horizonUs = rate.intervalUs * rate.burst;
  // No state lies further ahead than a full burst, unless the limit was raised or the clock went back since.
  const heldUs = Math.min(tatUs ?? nowUs, nowUs + horizonUs);
  const nextUs = Math.max(nowUs, heldUs) + rate.intervalUs;
  const retryAfterUs = nextUs - horizonUs - nowUs;
  return retryAfterUs > 0 ? { conforms: false, retryAfterUs } : { conforms: true, tatUs: nextUs };
}
