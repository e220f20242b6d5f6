import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import type { Runtime } from "../runtime.js";
import { usableKeys } from "./jwks_keys.js";
import { fromFile, fromUrl, isUrl, type Load, messageOf, nameOf } from "./jwks_place.js";
import { refuse } from "./refused.js";

/** The keys of an issuer at one time. Another object exactly when other keys were read. */
export interface KeySet {
  /** The key that a header's `kid` and `alg` name, for `jwtVerify` of jose. */
  readonly select: JWTVerifyGetKey;
}

/** The keys of one issuer, from where the operator says they are. */
export interface KeySource {
  /**
   * The keys that count now. Waits only when none are known that may be used. Throws `Refusal` with `issuer_unavailable`
   * when there are none.
   */
  current(): Promise<KeySet>;
  /** The same after one more look, when that is due: for a token whose key is not in the set. */
  newerThan(known: KeySet): Promise<KeySet>;
  /** Gives up a request under way, and asks no more. */
  close(): void;
}

export interface KeySourceOptions {
  runtime: Pick<Runtime, "monotonicMicros">;
  /** Longest time for a set to arrive from a URL, in milliseconds. */
  timeoutMs?: number;
  /** Told of each look that failed: the place, and what was wrong. */
  onTrouble?: (place: string, problem: string) => void;
}

/** When to look again, in milliseconds. */
interface Pace {
  /** So old a set is looked at again. */
  freshMs: number;
  /** Whether calls go on with the set they have meanwhile. */
  inBackground: boolean;
  /** Shortest time between two looks, whatever happens. */
  coolDownMs: number;
  /** Longest time between two looks after failures; each one doubles it. */
  backOffMs: number;
}

const minute = 60_000;
const remote: Pace = { freshMs: 10 * minute, inBackground: true, coolDownMs: 30_000, backOffMs: 5 * minute };
const local: Pace = { freshMs: 1_000, inBackground: false, coolDownMs: 1_000, backOffMs: 1_000 };

/** So long keys are used without word from the issuer: an outage may take a night, a key that was withdrawn not longer. */
const staleMs = 24 * 60 * minute;

/** The keys at a URL, fetched when they are first needed, or in a file. Every place should have one source only. */
export function keySource(place: string, options: KeySourceOptions): KeySource {
  const load = isUrl(place) ? fromUrl(place, options.timeoutMs ?? 5_000) : fromFile(place);
  return new Source(place, load, isUrl(place) ? remote : local, options);
}

/**
 * For the start of a server: throws an `Error` that names the first file without keys that are of use. URLs are left for when
 * they are needed, since another server that is down is no reason not to start.
 */
export async function checkKeyFiles(places: readonly string[]): Promise<void> {
  for (const place of new Set(places.filter((one) => !isUrl(one)))) {
    try {
      usableKeys(await fromFile(place)(new AbortController().signal));
    } catch (error) {
      throw new Error(`${place}: ${messageOf(error)}`);
    }
  }
}

class Source implements KeySource {
  #known: { set: KeySet; content: string; readMs: number } | null = null;
  #looking: Promise<void> | null = null;
  #failures = 0;
  #dueMs = Number.NEGATIVE_INFINITY;
  readonly #closing = new AbortController();

  constructor(
    private readonly place: string,
    private readonly load: Load,
    private readonly pace: Pace,
    private readonly options: KeySourceOptions,
  ) {}

  async current(): Promise<KeySet> {
    const ageMs = this.#ageMs();
    if (ageMs >= this.pace.freshMs) {
      const looking = this.#look();
      if (ageMs >= staleMs || !this.pace.inBackground) await looking;
    }
    if (!this.#known || this.#ageMs() >= staleMs) throw refuse("issuer_unavailable");
    return this.#known.set;
  }

  async newerThan(known: KeySet): Promise<KeySet> {
    if (this.#known?.set === known) await this.#look();
    return this.current();
  }

  close(): void {
    this.#closing.abort();
  }

  #nowMs(): number {
    return this.options.runtime.monotonicMicros() / 1000;
  }

  #ageMs(): number {
    return this.#known ? this.#nowMs() - this.#known.readMs : Number.POSITIVE_INFINITY;
  }

  /** At most one at a time, for everybody who waits; none before its time. Never rejects. */
  #look(): Promise<void> {
    if (this.#looking) return this.#looking;
    if (this.#nowMs() < this.#dueMs || this.#closing.signal.aborted) return Promise.resolve();
    this.#looking = this.#read().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  /** What cannot be used leaves the known keys as they are. */
  async #read(): Promise<void> {
    try {
      const keys = usableKeys(await this.load(this.#closing.signal));
      const content = JSON.stringify(keys.map((key) => JSON.stringify(key)).sort());
      const set = this.#known?.content === content ? this.#known.set : { select: createLocalJWKSet({ keys }) };
      this.#known = { set, content, readMs: this.#nowMs() };
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      if (!this.#closing.signal.aborted) this.options.onTrouble?.(nameOf(this.place), messageOf(error));
    }
    const { coolDownMs, backOffMs } = this.pace;
    this.#dueMs = this.#nowMs() + Math.min(coolDownMs * 2 ** Math.max(0, this.#failures - 1), backOffMs);
  }
}
