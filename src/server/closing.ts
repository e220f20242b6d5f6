import type { Logger } from "pino";

/** What has to be closed again, last opened first. */
export class Closing {
  readonly #log: Logger;
  readonly #steps: (() => unknown)[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Runs every step once; one that fails is logged and does not hold up the others. */
  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.error({ err: error }, "while stopping");
      }
    }
  }
}
