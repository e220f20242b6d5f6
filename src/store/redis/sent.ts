import type { StoreUnavailable } from "../store.js";
import { type Asker, isReply, unavailable } from "./commands.js";

/** Who is told that nothing more comes to what was sent. */
interface Sender {
  ended(sent: Queued, isAnswer: boolean): void;
}

/** As `SentInOrder` has it. */
export interface Queued {
  before: Queued | null;
  behind: Queued | null;
  waits: boolean;
  /** By `performance.now()`. */
  readonly untilMs: number;
  expire(error: StoreUnavailable): void;
}

const noArguments: readonly never[] = [];

/**
 * A script's command as it goes out: what the client library asks of a command, and no more. One of its own takes a
 * dozen objects of each command, twice its text, a timer and five promises.
 */
export class Sent<T> implements Queued {
  /** For the library, which treats some commands in a way of their own and names it in errors. */
  readonly name = "evalsha";
  readonly args = noArguments;
  readonly isTraced = true;
  readonly promise: Promise<T>;
  /** Its neighbours in `SentInOrder`. */
  before: Queued | null = null;
  behind: Queued | null = null;
  waits = false;
  private give!: (value: T | Promise<T>) => void;
  private refuse!: (error: unknown) => void;

  constructor(
    private readonly frame: string,
    private readonly asker: Asker<T>,
    readonly untilMs: number,
    private readonly sender: Sender,
  ) {
    this.promise = new Promise((give, refuse) => {
      this.give = give;
      this.refuse = refuse;
    });
  }

  /** For the library: what is written to the socket. */
  toWritable(): string {
    return this.frame;
  }

  /** For the library: what the server said. */
  resolve(reply: unknown): void {
    const isLate = !this.waits;
    this.sender.ended(this, true);
    if (isLate) return;
    try {
      this.give(this.asker.read(reply, this.untilMs));
    } catch (error) {
      this.refuse(unavailable(error));
    }
  }

  /** For the library: the server answered with an error, or the connection has ended. */
  reject(error: unknown): void {
    const isAnswer = isReply(error);
    const isLate = !this.waits;
    this.sender.ended(this, isAnswer);
    if (isLate) return;
    if (isAnswer && error.message.startsWith("NOSCRIPT")) this.give(this.asker.missing(this.untilMs));
    else this.refuse(unavailable(error));
  }

  /** Whatever comes later is not heard any more. */
  expire(error: StoreUnavailable): void {
    this.refuse(error);
  }
}

/**
 * What was sent and has no answer, oldest first, which is also the order in which the waits end: one timer for all of them,
 * where one for each command took as long as to write it.
 */
export class SentInOrder {
  #oldest: Queued | null = null;
  #newest: Queued | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** Asked for the error of each that had no answer in time. */
  constructor(readonly late: () => StoreUnavailable) {}

  add(sent: Queued, now: number): void {
    sent.waits = true;
    sent.before = this.#newest;
    if (this.#newest) this.#newest.behind = sent;
    else this.#oldest = sent;
    this.#newest = sent;
    if (this.#timer === undefined) this.#wake(sent, now);
  }

  remove(sent: Queued): void {
    if (!sent.waits) return;
    const { before, behind } = sent;
    if (before) before.behind = behind;
    else this.#oldest = behind;
    if (behind) behind.before = before;
    else this.#newest = before;
    sent.before = null;
    sent.behind = null;
    sent.waits = false;
  }

  /** A socket that is open keeps the process alive by itself. */
  #wake(sent: Queued, now: number): void {
    this.#timer = setTimeout(() => this.#sweep(), Math.max(1, Math.ceil(sent.untilMs - now))).unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (let sent = this.#oldest; sent !== null && sent.untilMs <= now; sent = this.#oldest) {
      this.remove(sent);
      sent.expire(this.late());
    }
    if (this.#oldest !== null) this.#wake(this.#oldest, now);
  }
}
