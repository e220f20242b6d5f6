import type { Owner, Store } from "./store.js";

/** How long after it did not answer a part of the store is asked again, in milliseconds. */
const askEveryMs = 250;

interface Part {
  /** Why it is taken to be away; `null` while it is only suspected. */
  error: Error | null;
  timer?: NodeJS.Timeout;
}

export interface AvailabilityOptions {
  store: Pick<Store, "ping" | "partOf">;
  onAway: (error: Error) => void;
  onBack: () => void;
}

/**
 * Whether a store answers, each part of it by itself. Once one does not, a single question at a time goes to it until it
 * does, so that not every call has to wait to find out.
 */
export class Availability {
  readonly #options: AvailabilityOptions;
  /** Those that are being asked. */
  readonly #asked = new Map<string, Part>();
  #closed = false;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** Why the part is taken to be away; `null` while it answers. */
  away(owner: Owner): Error | null {
    if (this.#asked.size === 0) return null;
    return this.#asked.get(this.#options.store.partOf(owner))?.error ?? null;
  }

  /** Why parts are away, one of each. */
  get troubles(): Error[] {
    return [...this.#asked.values()].flatMap(({ error }) => (error ? [error] : []));
  }

  /** It did not answer. */
  failed(owner: Owner, error: Error): void {
    const part = this.#suspected(owner);
    if (part) this.#leave(part, error);
  }

  /** It may not answer. */
  suspect(owner: Owner): void {
    this.#suspected(owner);
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#asked.values()) clearTimeout(timer);
  }

  #suspected(owner: Owner): Part | null {
    if (this.#closed) return null;
    const name = this.#options.store.partOf(owner);
    const known = this.#asked.get(name);
    if (known) return known;
    const part: Part = { error: null };
    this.#asked.set(name, part);
    this.#ask(name, part, owner);
    return part;
  }

  #leave(part: Part, error: Error): void {
    if (part.error) return;
    part.error = error;
    this.#options.onAway(error);
  }

  #ask(name: string, part: Part, owner: Owner): void {
    this.#options.store.ping(owner).then(
      () => {
        if (this.#closed) return;
        this.#asked.delete(name);
        if (part.error) this.#options.onBack();
      },
      (error: unknown) => {
        if (this.#closed) return;
        this.#leave(part, error instanceof Error ? error : new Error(String(error)));
        part.timer = setTimeout(() => this.#ask(name, part, owner), askEveryMs).unref();
      },
    );
  }
}
