import { setImmediate } from "node:timers/promises";

/** How long a slice of a long piece of work may keep decisions waiting, in milliseconds. */
const sliceMs = 5;

/**
 * Runs work that yields wherever it may be interrupted, in slices of some milliseconds, so that it can be as long as the
 * files of a user make it. Rejects with what the work throws. `onWorked` is told the milliseconds of each slice, without
 * what others did in between.
 */
export async function inSlices<T>(steps: Generator<void, T>, onWorked?: (ms: number) => void): Promise<T> {
  let began = performance.now();
  for (;;) {
    const step = steps.next();
    const worked = performance.now() - began;
    if (step.done) {
      onWorked?.(worked);
      return step.value;
    }
    if (worked < sliceMs) continue;
    onWorked?.(worked);
    await setImmediate();
    began = performance.now();
  }
}

/** Runs such work in one go, where nobody waits. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
