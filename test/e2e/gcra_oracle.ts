import { gcra } from "../../src/store/gcra.js";
import type { Rate } from "../../src/store/store.js";

/** A call as its caller saw it. The store weighed it at some moment between the two, in microseconds since the epoch. */
export interface SeenCall {
  sentUs: number;
  doneUs: number;
  passed: boolean;
}

/** Times one call. The clock is that of this host, which a local store shares; it shows whole milliseconds. */
export async function seen<T extends { allowed: boolean }>(
  call: () => Promise<T>,
): Promise<{ answer: T; seen: SeenCall }> {
  const sentUs = Date.now() * 1000;
  const answer = await call();
  return { answer, seen: { sentUs, doneUs: (Date.now() + 1) * 1000, passed: answer.allowed } };
}

/** Most calls that a rate lets through within so long, with its full burst at the beginning. */
export function mostWithin(spanUs: number, rate: Rate): number {
  let [nowUs, passed] = [0, 0];
  let tatUs: number | null = null;
  while (nowUs <= spanUs) {
    const decision = gcra(nowUs, tatUs, rate);
    if (!decision.conforms) nowUs += decision.retryAfterUs;
    else {
      tatUs = decision.tatUs;
      passed += 1;
    }
  }
  return passed;
}

/** Spans of time in which more calls passed than the oracle lets through, whenever in them the store weighed them. */
export function excesses(calls: readonly SeenCall[], rate: Rate): { passed: number; most: number }[] {
  const passed = calls.filter((call) => call.passed).sort((a, b) => a.doneUs - b.doneUs);
  return passed.flatMap(({ sentUs: from }) => {
    const within = passed.filter(({ sentUs }) => sentUs >= from);
    return within.flatMap(({ doneUs: to }, n) => {
      const most = mostWithin(to - from, rate);
      return n + 1 > most ? [{ passed: n + 1, most }] : [];
    });
  });
}

/**
 * Refusals that the oracle cannot explain: also with everything counted that may have been weighed before, as late as
 * possible, and the call itself as early as possible, it lets the call through.
 */
export function unexplained(calls: readonly SeenCall[], rate: Rate): SeenCall[] {
  const { intervalUs, burst } = rate;
  const passed = calls.filter((call) => call.passed);
  return calls.filter((call) => {
    if (call.passed) return false;
    const before = passed.filter(({ sentUs }) => sentUs <= call.doneUs);
    const times = before.map(({ doneUs }) => Math.min(doneUs, call.doneUs)).sort((a, b) => a - b);
    const tatUs = times.reduce((tat, nowUs) => Math.max(tat, nowUs) + intervalUs, 0);
    // Not all of it can be so late at once: what lies beyond a full burst is no state that the oracle is asked about.
    return tatUs <= call.sentUs + intervalUs * burst && gcra(call.sentUs, tatUs, rate).conforms;
  });
}
