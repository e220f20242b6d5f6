/** How long after it did not answer the store is asked again, in milliseconds. */
const askEveryMs = 250;

export interface AvailabilityOptions {
  /** Resolves when the store works; rejects after a bounded wait. */
  ping: () => Promise<void>;
  onAway: (error: Error) => void;
  onBack: () => void;
}

/**
 * Whether a store answers. Once it does not, one question at a time goes to it until it does, so that not every call has
 * to wait to find out.
 */
export class Availability {
  readonly #options: AvailabilityOptions;
  #error: Error | null = null;
  #asking = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** Why the store is taken to be away; `null` while it answers. */
  get away(): Error | null {
    return this.#error;
  }

  /** The store did not answer. */
  failed(error: Error): void {
    this.#leave(error);
    this.#ask();
  }

  /** The store may not answer. */
  suspect(): void {
    this.#ask();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #leave(error: Error): void {
    if (this.#error || this.#closed) return;
    this.#error = error;
    this.#options.onAway(error);
  }

  #ask(): void {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    this.#options.ping().then(
      () => {
        this.#asking = false;
        this.#return();
      },
      (error: unknown) => {
        this.#leave(error instanceof Error ? error : new Error(String(error)));
        this.#timer = setTimeout(() => {
          this.#asking = false;
          this.#ask();
        }, askEveryMs).unref();
      },
    );
  }

  #return(): void {
    if (!this.#error || this.#closed) return;
    this.#error = null;
    this.#options.onBack();
  }
}
