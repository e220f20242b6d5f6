import { setTimeout as sleep } from "node:timers/promises";

export interface UntilOptions {
  /** What is waited for, as the message of the failure says it. */
  what: string;
  /** Milliseconds. */
  timeoutMs?: number;
  /** Milliseconds between two tries. */
  everyMs?: number;
}

/**
 * Polls until the condition gives something other than `false` or `undefined`, and gives that. A condition that throws
 * counts as "not yet"; its last error is the cause of the failure.
 */
export async function until<T>(
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  { what, timeoutMs = 60_000, everyMs = 25 }: UntilOptions,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== undefined) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) throw new Error(`gave up after ${timeoutMs} ms waiting for ${what}`, { cause });
    await sleep(everyMs);
  }
}
