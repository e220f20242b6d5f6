import { ExpiringMap } from "../store/expiring_map.js";
import { gcra } from "../store/gcra.js";

/** Sign-ins that failed: 20 at once and 20 a minute from one address, and 200 of both from all. */
export const failuresPerMinute = { each: 20, all: 200 } as const;

const rateOf = (most: number) => ({ intervalUs: 60_000_000 / most, burst: most });
const rates = { each: rateOf(failuresPerMinute.each), all: rateOf(failuresPerMinute.all) };

/**
 * Bounds what sign-ins that fail cost: work, log lines, requests to the provider. It keeps no secret; that is for the length
 * of tokens. What it remembers is bounded by the rate for all.
 */
export interface FailurePace {
  /** Milliseconds until somebody at this address may try again; 0 = now. */
  waitMs(address: string): number;
  failed(address: string): void;
}

/** `nowMs` is a clock that never goes back. */
export function failurePace(nowMs: () => number): FailurePace {
  const arrivals = new ExpiringMap<string, number>();
  let all: number | null = null;
  const nowUs = () => Math.floor(nowMs() * 1000);
  const each = (address: string) => gcra(nowUs(), arrivals.get(address, nowMs()) ?? null, rates.each);
  const whole = () => gcra(nowUs(), all, rates.all);
  return {
    waitMs(address) {
      const waits = [each(address), whole()].map((one) => (one.conforms ? 0 : Math.ceil(one.retryAfterUs / 1000)));
      return Math.max(...waits);
    },
    failed(address) {
      const [one, total] = [each(address), whole()];
      if (one.conforms) arrivals.set(address, one.tatUs, one.tatUs / 1000, nowMs());
      if (total.conforms) all = total.tatUs;
    },
  };
}
