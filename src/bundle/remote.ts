import { sha256Hex } from "../canonical.js";
import type { PolicySet } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import type { Runtime } from "../runtime.js";
import { detailOf, InvalidBundle } from "./error.js";
import { fetchBundle } from "./fetch.js";
import { openBundle } from "./open.js";
import type { SignatureKey } from "./signature.js";

export interface RemoteOptions {
  url: string;
  key: SignatureKey;
  tokenFile: string | undefined;
  /** Milliseconds between two requests while all goes well. */
  pollMs: number;
  /** Longest time for a bundle to arrive. */
  timeoutMs?: number;
  program: Program;
  runtime: Pick<Runtime, "now" | "monotonicMicros" | "random">;
}

/** The longest wait after failures, in polls. */
const maxBackOff = 10;

/** The bundle at a URL. What was fetched stays in memory. */
export class RemoteBundle {
  readonly #options: RemoteOptions;
  /** As messages call it: without the query, which can hold a signature of its own that opens the URL. */
  readonly #name: string;
  readonly #closing = new AbortController();
  #fetched: { bytes: Buffer; etag: string | null; content: string } | null = null;
  /** Of the bundle that was opened last; kept only then, so that one that is refused is fetched again. */
  #etag: string | null = null;
  #signedAtMs: number | null = null;
  #trouble: InvalidBundle | null = null;
  #failures = 0;
  #dueMs = 0;

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.#name = options.url.replace(/\?.*$/s, "");
  }

  /** A word for the bundle as it is now; asks the server when that is due. Throws what went wrong the last time. */
  async look(): Promise<string> {
    const { runtime } = this.#options;
    const nowMs = runtime.monotonicMicros() / 1000;
    if (nowMs >= this.#dueMs) {
      await this.#fetch();
      this.#dueMs = runtime.monotonicMicros() / 1000 + this.#waitMs();
    }
    if (this.#trouble) throw this.#trouble;
    if (!this.#fetched) throw new InvalidBundle(`${this.#name}: nothing was fetched`);
    return this.#fetched.content;
  }

  /** The policy set of what was fetched last. Throws `InvalidBundle` when it is refused. */
  async load(): Promise<PolicySet> {
    const { program, key, runtime } = this.#options;
    const fetched = this.#fetched;
    if (!fetched) throw new InvalidBundle(`${this.#name}: nothing was fetched`);
    try {
      const { set, signedAtMs } = await openBundle(fetched.bytes, { program, key, nowMs: runtime.now() });
      this.#refuseOlder(signedAtMs);
      this.#signedAtMs = signedAtMs;
      this.#etag = fetched.etag;
      return set;
    } catch (error) {
      this.#etag = null;
      throw this.#named(error);
    }
  }

  /** Gives up a request under way. */
  close(): void {
    this.#closing.abort();
  }

  async #fetch(): Promise<void> {
    const { url, tokenFile, timeoutMs = 10_000 } = this.#options;
    const known = { etag: this.#etag, signal: this.#closing.signal };
    try {
      const fetched = await fetchBundle({ url, tokenFile, timeoutMs, ...known });
      if (fetched) this.#fetched = { ...fetched, content: sha256Hex(fetched.bytes) };
      this.#trouble = null;
      this.#failures = 0;
    } catch (error) {
      this.#trouble = this.#named(error);
      this.#failures += 1;
    }
  }

  /** Whoever holds the URL, but not the key, could otherwise bring back policies that were good once. */
  #refuseOlder(signedAtMs: number | null): void {
    if (this.#signedAtMs === null || (signedAtMs !== null && signedAtMs >= this.#signedAtMs)) return;
    throw new InvalidBundle("it was signed before the one that is in force: to go back to it, sign it again");
  }

  /** Spread out, so that many servers that failed together do not come back together. */
  #waitMs(): number {
    const { pollMs, runtime } = this.#options;
    if (this.#failures === 0) return pollMs;
    const most = Math.min(2 ** this.#failures, maxBackOff);
    return pollMs * (1 + (most - 1) * ((runtime.random(1)[0] ?? 0) / 255));
  }

  #named(error: unknown): InvalidBundle {
    return new InvalidBundle(`${this.#name}: ${detailOf(error, "message") ?? error}`);
  }
}
