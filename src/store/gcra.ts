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
 * a full burst is free again; `null` for an agent that was never charged. No state of this rate lies further ahead than
 * a full burst. One that does is of a limit that was raised since, or of a clock that went back: up to one interval more
 * is waited for, and of anything beyond that one call passes and leaves a state of this rate. So a raise, and each step
 * back of the clock by more than an interval, lets through one call more at most.
 */
export function gcra(nowUs: number, tatUs: number | null, rate: Rate): GcraDecision {
  const { intervalUs, burst } = rate;
  const mostUs = intervalUs * (burst - 1);
  const aheadUs = Math.max(0, (tatUs ?? nowUs) - nowUs);
  // A refused call writes nothing: were it waited for, what is so far ahead would stay so.
  const foreign = aheadUs - mostUs > 2 * intervalUs;
  const heldUs = foreign ? mostUs : aheadUs;
  return heldUs > mostUs
    ? { conforms: false, retryAfterUs: heldUs - mostUs }
    : { conforms: true, tatUs: nowUs + heldUs + intervalUs };
}

/**
 * How far ahead of now the arrival time lies, in microseconds: what is not free yet. The clock is told in whole milliseconds
 * and may be almost one further, so that a call which was charged just now does not look like two.
 */
export function aheadOf(nowMs: number, tatUs: number | null): number {
  return Math.max(0, (tatUs ?? 0) - nowMs * 1000 - 999);
}
