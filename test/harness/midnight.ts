import { setTimeout as sleep } from "node:timers/promises";

const dayMs = 86_400_000;

/** Waits, where the UTC day would end within so long, until it has: what counts by the day must not begin anew in a test. */
export async function awayFromMidnight(ms: number): Promise<void> {
  const leftMs = dayMs - (Date.now() % dayMs);
  if (leftMs < ms) await sleep(leftMs + 1_000);
}
