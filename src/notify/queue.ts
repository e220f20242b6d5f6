import type { Happening, HappeningKind } from "./notice.js";

/** Something that one notifier has still to tell. */
export interface Job {
  /** Equal for two that would be told as one. */
  key: string;
  happening: Happening;
  /** When it happened, in milliseconds since the Unix epoch. */
  atMs: number;
  /** Id of the notice where the happening itself has none. */
  id: string;
  /** When it was taken, and when it is to be tried next: milliseconds of a clock that never goes back. */
  takenMs: number;
  dueMs: number;
  failures: number;
}

/** Whom it hurts least not to be told. */
const expendable: Record<HappeningKind, boolean> = {
  "approval.opened": false,
  "approval.escalated": false,
  "approval.closed": true,
  "budget.warning": true,
  "counters.lost": true,
};

/** What waits to be told, at most so many. */
export class Queue {
  readonly #most: number;
  /** In the order in which they were taken. */
  readonly #jobs = new Map<string, Job>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a job, unless its like waits already. When there is no room, gives the one that had to go for it. */
  add(job: Job): Job | null {
    if (this.#jobs.has(job.key)) return null;
    this.#jobs.set(job.key, job);
    return this.#jobs.size > this.#most ? this.#leastWanted() : null;
  }

  /** Takes out the one that has been due for longest, of those that are not busy; `null` when none is due. */
  next(nowMs: number, isBusy: (key: string) => boolean): Job | null {
    const first = this.#first(isBusy);
    if (first === null || first.dueMs > nowMs) return null;
    this.#jobs.delete(first.key);
    return first;
  }

  /** When the next one that is not busy is due; `null` when none waits. */
  dueMs(isBusy: (key: string) => boolean): number | null {
    return this.#first(isBusy)?.dueMs ?? null;
  }

  has(key: string): boolean {
    return this.#jobs.has(key);
  }

  get size(): number {
    return this.#jobs.size;
  }

  get isFull(): boolean {
    return this.#jobs.size >= this.#most;
  }

  #first(isBusy: (key: string) => boolean): Job | null {
    let first: Job | null = null;
    for (const job of this.#jobs.values()) {
      if ((first === null || job.dueMs < first.dueMs) && !isBusy(job.key)) first = job;
    }
    return first;
  }

  #leastWanted(): Job | null {
    let found: Job | null = null;
    for (const job of this.#jobs.values()) {
      found ??= job;
      if (!expendable[job.happening.kind]) continue;
      found = job;
      break;
    }
    if (found) this.#jobs.delete(found.key);
    return found;
  }
}
