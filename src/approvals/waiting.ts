import { setTimeout as sleep } from "node:timers/promises";
import type { Approval } from "../store/store.js";

const pollMs = 250;

/**
 * Looks again and again, until the approval is no longer pending, `ms` milliseconds are over, or the signal ends it;
 * what was seen last is the result. Rejects as `find` does.
 */
export async function whilePending(
  find: () => Promise<Approval | null>,
  ms: number,
  signal: AbortSignal,
): Promise<Approval | null> {
  // A clock that never goes back: one that is set back must not prolong the wait.
  const end = performance.now() + ms;
  let approval = await find();
  while (approval?.status === "pending" && !signal.aborted) {
    const leftMs = end - performance.now();
    if (leftMs <= 0) break;
    // It rejects only when aborted, which ends the loop.
    await sleep(Math.min(pollMs, leftMs), undefined, { signal }).catch(() => undefined);
    approval = await find();
  }
  return approval;
}

/** Who may wait at a time: so many in all, and so many of each name. */
export class Places {
  readonly #most: number;
  readonly #mostEach: number;
  readonly #taken = new Map<string, number>();
  #total = 0;

  constructor(most: number, mostEach: number) {
    this.#most = most;
    this.#mostEach = mostEach;
  }

  /** What gives the place back, to be called once; `null` when there is none for this name. */
  take(name: string): (() => void) | null {
    const taken = this.#taken.get(name) ?? 0;
    if (this.#total >= this.#most || taken >= this.#mostEach) return null;
    this.#total += 1;
    this.#taken.set(name, taken + 1);
    return () => {
      this.#total -= 1;
      const left = (this.#taken.get(name) ?? 0) - 1;
      if (left > 0) this.#taken.set(name, left);
      else this.#taken.delete(name);
    };
  }
}
