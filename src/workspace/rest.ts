import { type FSWatcher, watch } from "node:fs";

/** Up to so many files are looked at as often as anybody asks: that takes next to nothing. */
export const fewFiles = 200;
/** What looking at more files may take of the time: a look of 10 ms is followed by another after 5 s. */
const share = 0.002;
/** However much there is to look at. */
const longestMs = 10_000;

/**
 * How long looks at many files rest, by what the last one cost. The system may end a rest by telling of a change in the
 * folder. That is a hint and no more: network file systems do not give it, and nothing but the time depends on it.
 */
export class Rest {
  readonly #folder: string | null;
  readonly #now: () => number;
  #untilMs = Number.NEGATIVE_INFINITY;
  #isMany = false;
  /** Since the last look. */
  #changed = false;
  #listening: FSWatcher | null = null;
  #closed = false;

  /** Nothing tells of changes when there is no `folder`. `now` is a monotonic clock in milliseconds. */
  constructor(folder: string | null, now: () => number = () => performance.now()) {
    this.#folder = folder;
    this.#now = now;
  }

  isOver(): boolean {
    return this.#now() >= this.#untilMs;
  }

  /** To be told before a look: what changes from here on is heard of, and ends the rest after it. */
  end(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
    this.#changed = false;
    if (this.#isMany) this.#listen();
  }

  /** To be told after a look at so many files that took so many milliseconds. */
  begin(files: number, workedMs: number): void {
    this.#isMany = files > fewFiles;
    // The first look had nobody listening yet.
    if (this.#isMany && this.#listening === null) this.#listen();
    if (this.#isMany && !this.#changed) this.#untilMs = this.#now() + Math.min(workedMs / share, longestMs);
  }

  close(): void {
    this.#closed = true;
    this.#listening?.close();
  }

  readonly #hint = (): void => {
    this.#changed = true;
    this.#untilMs = Number.NEGATIVE_INFINITY;
  };

  /** Anew for each look, since the folder may have become another one. */
  #listen(): void {
    if (this.#folder === null || this.#closed) return;
    const before = this.#listening;
    try {
      const listening = watch(this.#folder, { persistent: false }, this.#hint);
      listening.on("error", () => listening.close());
      this.#listening = listening;
    } catch {
      this.#listening = null;
    }
    before?.close();
  }
}
