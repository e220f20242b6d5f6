/** Too many searches are under way already. */
export class Busy extends Error {
  override readonly name = "Busy";
}

/** Lets few searches run at a time, since each keeps the disk and the process busy; others wait for a while. */
export class ScanTurns {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly bounds = { running: 2, waiting: 16, waitMs: 5_000 }) {}

  /** Runs a search when there is room for it. Throws `Busy` when there is none for too long. */
  async take<T>(search: () => Promise<T>): Promise<T> {
    if (this.#running >= this.bounds.running) await this.#room();
    else this.#running += 1;
    try {
      return await search();
    } finally {
      // The place is handed on, so nobody who comes now takes it from who waits.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  #room(): Promise<void> {
    if (this.#waiting.length >= this.bounds.waiting) return Promise.reject(new Busy("too many searches wait"));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(new Busy("other searches take too long"));
      }, this.bounds.waitMs);
      const go = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.push(go);
    });
  }
}
