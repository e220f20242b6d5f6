import type { SharedRegistry } from "../store/shared_registry.js";
import type { Lost } from "./knowledge.js";

/** Writes done at a time. */
const atOnce = 50;

/** Puts back into a store what it has lost. What fails is tried again when the store answers again. */
export class Restoring {
  readonly #shared: SharedRegistry;
  readonly #onTrouble: ((error: Error) => void) | undefined;
  #writes: (() => Promise<unknown>)[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(shared: SharedRegistry, onTrouble?: (error: Error) => void) {
    this.#shared = shared;
    this.#onTrouble = onTrouble;
  }

  add({ agents, flags, revoked }: Lost): void {
    // What was still to be put back is part of what was known, and so of what is lost now.
    this.#writes = [
      ...flags.map(
        ({ flag, over }) =>
          () =>
            this.#shared.putFlag(flag, over),
      ),
      ...agents.map(
        ({ agent, over }) =>
          () =>
            this.#shared.putAgent(agent, over),
      ),
      ...revoked.map((token) => () => this.#shared.revoke(token)),
    ];
    const off = flags.filter(({ flag }) => flag.disabled);
    const counts = `${agents.length} agents, ${off.length} disabled ones of agents.yaml, ${revoked.length} revoked tokens`;
    this.#onTrouble?.(new Error(`the store has lost what this process knew, which goes back into it: ${counts}`));
  }

  /** Goes on with what is left to do. */
  resume(): void {
    if (this.#writes.length === 0 || this.#running || this.#closed) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when what is under way has ended, however it ended. */
  async done(): Promise<void> {
    await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#writes.length > 0 && !this.#closed) {
      const writes = this.#writes;
      const some = writes.slice(0, atOnce);
      const results = await Promise.allSettled(some.map((write) => write()));
      // Another loss in between brought a list of its own.
      if (writes !== this.#writes) continue;
      const failed = some.filter((_, n) => results[n]?.status === "rejected");
      this.#writes = [...failed, ...writes.slice(atOnce)];
      if (failed.length > 0) return;
    }
  }
}
