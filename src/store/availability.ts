import type { Owner, Store } from "./store.js";

/** How long after it did not answer a part of the store is asked again, in milliseconds. */
const askEveryMs = 250;

/** How long after the last time that something was told of a part it is told to be away again, in milliseconds. */
const usuallyTellEveryMs = 5_000;

interface Part {
  name: string;
  /** Why it is taken to be away; `null` while it is only suspected. */
  error: Error | null;
  timer?: NodeJS.Timeout;
}

export interface AvailabilityOptions {
  store: Pick<Store, "ping" | "partOf">;
  monotonicMicros: () => number;
  /**
   * Told when a part of the store does not answer any more, and when it does again. What goes away and comes back many
   * times a second is told of now and then.
   */
  onAway: (error: Error) => void;
  onBack: () => void;
  tellEveryMs?: number;
}

/**
 * Whether a store answers, each part of it by itself. Once one does not, a single question at a time goes to it until it
 * does, so that not every call has to wait to find out. What answers questions counts as there, whatever it says to calls:
 * it may refuse those of one agent only.
 */
export class Availability {
  readonly #options: AvailabilityOptions;
  /** Those that are being asked. */
  readonly #asked = new Map<string, Part>();
  readonly #told = new Map<string, { away: boolean; atMs: number }>();
  readonly #tellEveryMs: number;
  #closed = false;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
    this.#tellEveryMs = options.tellEveryMs ?? usuallyTellEveryMs;
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
    const part: Part = { name, error: null };
    this.#asked.set(name, part);
    this.#ask(part, owner);
    return part;
  }

  #leave(part: Part, error: Error): void {
    part.error ??= error;
    const told = this.#told.get(part.name);
    if (told?.away || (told && this.#nowMs() - told.atMs < this.#tellEveryMs)) return;
    this.#told.set(part.name, { away: true, atMs: this.#nowMs() });
    this.#options.onAway(error);
  }

  #return(part: Part): void {
    this.#asked.delete(part.name);
    if (!this.#told.get(part.name)?.away) return;
    this.#told.set(part.name, { away: false, atMs: this.#nowMs() });
    this.#options.onBack();
  }

  #ask(part: Part, owner: Owner): void {
    this.#options.store.ping(owner).then(
      () => {
        if (!this.#closed) this.#return(part);
      },
      (error: unknown) => {
        if (this.#closed) return;
        this.#leave(part, error instanceof Error ? error : new Error(String(error)));
        part.timer = setTimeout(() => this.#ask(part, owner), askEveryMs).unref();
      },
    );
  }

  #nowMs(): number {
    return this.#options.monotonicMicros() / 1000;
  }
}
