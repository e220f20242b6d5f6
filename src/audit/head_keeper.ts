import type { SigningKey, VerifyKey } from "../keys/keys.js";
import { type HeadsStatement, maxHeadsBytes, sealHeads } from "./heads.js";
import { headsOfOthers, writeHeads } from "./heads_file.js";
import type { Head } from "./recovery.js";

export interface HeadKeeperOptions {
  dir: string;
  writer: string;
  key: SigningKey;
  /** Keys whose statements hold too. */
  accepted: readonly VerifyKey[];
  everyMs: number;
  now: () => number;
  /** The end of the writer's own chain. */
  head: () => Head;
  /** Resolves when all records up to `head` would survive a loss of power. */
  sync: () => Promise<void>;
  /** What the writer last stated. */
  stated: HeadsStatement | null;
  /** Told of each new statement, the line without its newline; must not throw. */
  onHeads: (line: string) => void;
  /** Told what an operator should look after; must not throw. */
  onWarning: (message: string) => void;
}

/**
 * States from time to time how far the chains have come. What is stated is on disk before, since a chain that ends before its
 * statement is refused. A statement that cannot be written is tried again, and holds up no record.
 */
export class HeadKeeper {
  readonly #options: HeadKeeperOptions;
  readonly #timer: NodeJS.Timeout;
  #heads: HeadsStatement["heads"];
  /** When the newest statement says that it was made, in milliseconds since the Unix epoch. */
  #statedMs: number;
  #work: Promise<void> | null = null;
  #warned = "";

  constructor(options: HeadKeeperOptions) {
    this.#options = options;
    this.#heads = options.stated?.heads ?? [];
    this.#statedMs = Date.parse(options.stated?.timestamp ?? "") || 0;
    this.#timer = setInterval(() => void this.state(), options.everyMs).unref();
  }

  /** What would be stated now. */
  now(): HeadsStatement {
    const { writer, now } = this.#options;
    const heads = this.#with(this.#options.head(), this.#heads);
    // Never before the statement before: after a clock was set back, a chain that grew would seem to have been cut.
    const atMs = Math.max(now(), this.#statedMs + 1);
    return { kind: "heads", timestamp: new Date(atMs).toISOString(), writer, heads };
  }

  /** States the heads if something has changed. Never rejects. */
  state(): Promise<void> {
    this.#work ??= this.#state()
      .catch((error: Error) => this.#warn(`the heads of the audit chains cannot be written: ${error.message}`))
      .finally(() => {
        this.#work = null;
      });
    return this.#work;
  }

  /** States the heads for the last time. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work;
    await this.state();
  }

  async #state(): Promise<void> {
    const { dir, writer, key, accepted, head, sync, onHeads } = this.#options;
    const own = head();
    const known = { known: this.#heads, broken: (message: string) => this.#warn(message) };
    const heads = this.#with(own, await headsOfOthers(dir, writer, [key, ...accepted], known));
    if (heads.length === 0 || JSON.stringify(heads) === JSON.stringify(this.#heads)) return;
    await sync();
    const statement = { ...this.now(), heads };
    const line = sealHeads(statement, key);
    if (Buffer.byteLength(line) > maxHeadsBytes) throw new Error(`there are too many chains (${heads.length})`);
    await writeHeads(dir, writer, line);
    this.#heads = heads;
    this.#statedMs = Date.parse(statement.timestamp);
    onHeads(line);
  }

  #with({ seq, link }: Head, others: HeadsStatement["heads"]): HeadsStatement["heads"] {
    const { writer } = this.#options;
    const own = link === null ? [] : [{ writer, seq, link }];
    const rest = others.filter((head) => head.writer !== writer);
    return [...rest, ...own].sort((a, b) => (a.writer < b.writer ? -1 : 1));
  }

  /** Once, until something else is wrong. */
  #warn(message: string): void {
    if (message === this.#warned) return;
    this.#warned = message;
    this.#options.onWarning(message);
  }
}
