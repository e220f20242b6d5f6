/** Steps that run one after the other, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Runs a step when those before it have ended, however they ended. */
  take<T>(step: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const done = this.#last.then(step).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  /** True when nothing runs or waits. */
  idle(): boolean {
    return this.#waiting === 0;
  }

  /** Resolves when everything that was asked for has ended. */
  async ended(): Promise<void> {
    await this.#last;
  }
}
