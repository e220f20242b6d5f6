import type { Duplex } from "node:stream";
import { Redis } from "ioredis";
import { StoreUnavailable } from "../store.js";
import type { RedisAddress } from "./address.js";
import {
  type Asker,
  type Connected,
  type ConnectionOptions,
  isReply,
  unavailable,
  withoutCommand,
} from "./commands.js";
import { type Queued, Sent, SentInOrder } from "./sent.js";

/** Work that begins as soon as there is a connection. */
interface Waiting {
  begin(): void;
  fail(error: Error): void;
}

/** What makes one command of the handshake fail makes the next fail too, and that says less. */
const echo = /^(NOAUTH |Stream isn't writeable|Connection is closed)/;

/**
 * One connection that comes back by itself. Nothing is queued while it is down and nothing is sent twice: a command
 * that was under way when the connection broke has failed, and only its caller may repeat it.
 */
export class Connection implements Connected {
  private readonly redis: Redis;
  private readonly waiting = new Set<Waiting>();
  private ready = false;
  private closed = false;
  /** Works that were begun and have not ended, and since when the server has said nothing to any of them. */
  private underWay = 0;
  private quietSince = 0;
  private lastTrouble: Error | undefined;
  /** What keeps its commands until nothing else is ready to run. */
  private held: Duplex | undefined;
  private readonly sent = new SentInOrder(() => {
    this.dropIfSilent();
    return this.late("no answer");
  });

  constructor(
    address: RedisAddress,
    private readonly options: ConnectionOptions,
  ) {
    this.redis = new Redis(clientOptions(address, options.waitMs));
    this.redis.on("error", (error: unknown) => {
      const trouble = withoutCommand(error);
      if (this.lastTrouble && echo.test(trouble.message)) return;
      this.lastTrouble = trouble;
      options.onTrouble?.(trouble);
    });
    const { commandTimeout } = this.redis.options;
    this.redis.on("close", () => {
      this.ready = false;
      Object.assign(this.redis.options, { commandTimeout });
    });
    this.redis.on("end", () => {
      if (!this.closed) setTimeout(() => this.connect(), 500).unref();
    });
    this.redis.on("ready", () => {
      this.ready = true;
      // From here on `run` keeps the time: one timer for each command, not two.
      Object.assign(this.redis.options, { commandTimeout: undefined });
      this.quietSince = performance.now();
      this.lastTrouble = undefined;
      for (const { begin } of this.notWaiting()) begin();
    });
    this.connect();
  }

  run<T>(work: (redis: Redis) => Promise<T>, waitMs = this.options.waitMs): Promise<T> {
    if (this.closed) return Promise.reject(new StoreUnavailable("the store is closed"));
    return new Promise((resolve, reject) => {
      let begun = false;
      const fail = (error: unknown) => {
        clearTimeout(timer);
        reject(unavailable(error));
      };
      const begin = () => {
        begun = true;
        this.answerTo(
          work,
          (value) => {
            clearTimeout(timer);
            resolve(value);
          },
          fail,
        );
      };
      const waiting = { begin, fail };
      const timer = setTimeout(() => {
        this.waiting.delete(waiting);
        if (begun) this.dropIfSilent();
        reject(this.late(begun ? "no answer" : "no connection", waitMs));
      }, waitMs);
      // The socket can have ended a moment before its end is told.
      if (this.isOpen()) begin();
      else this.waiting.add(waiting);
    });
  }

  sendWritten<T>(frame: string, asker: Asker<T>): Promise<T> | null {
    if (this.closed || !this.isOpen()) return null;
    const now = performance.now();
    this.begins(now);
    const sent = new Sent(frame, asker, now + this.options.waitMs, this);
    this.sent.add(sent, now);
    // What the client library asks of a command is what `Sent` has; its own makes eight objects of each argument and call.
    this.redis.sendCommand(sent as never);
    return sent.promise;
  }

  /** Of what was sent as it was written: the server said something to it, or nothing will come any more. */
  ended(sent: Queued, isAnswer: boolean): void {
    this.underWay -= 1;
    if (isAnswer) this.quietSince = performance.now();
    this.sent.remove(sent);
  }

  private isOpen(): boolean {
    return this.ready && this.redis.stream.writable;
  }

  private late(what: string, waitMs = this.options.waitMs): StoreUnavailable {
    return new StoreUnavailable(`${what} within ${waitMs} ms`, { cause: this.lastTrouble });
  }

  async everywhere<T>(work: (redis: Redis) => Promise<T>, waitMs: number): Promise<T[]> {
    return [await this.run(work, waitMs)];
  }

  async ping(key: string): Promise<void> {
    await this.run((redis) => redis.set(key, "1", "PX", 1000));
  }

  partOf(): string {
    return "";
  }

  get waitMs(): number {
    return this.options.waitMs;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const { fail } of this.notWaiting()) fail(new StoreUnavailable("the store is closed"));
    const ended = new Promise<void>((resolve) => this.redis.once("end", resolve));
    // Between two attempts there is no socket whose end could be waited for.
    const nothingToEnd = this.redis.status === "reconnecting" || this.redis.status === "end";
    // A handshake that is broken off can fail twice, and the client listens to the first failure only.
    this.redis.stream?.on("error", () => undefined);
    this.redis.disconnect();
    if (!nothingToEnd) await ended;
  }

  /** Who waits for the connection, and from now on does not. */
  private notWaiting(): Waiting[] {
    const all = [...this.waiting];
    this.waiting.clear();
    return all;
  }

  private connect(): void {
    if (!this.closed) this.redis.connect().catch(() => undefined);
  }

  /** Runs the work and notes when the server answered. Tells it directly: promises in between took as long as the rest. */
  private answerTo<T>(
    work: (redis: Redis) => Promise<T>,
    resolve: (value: T) => void,
    fail: (error: unknown) => void,
  ): void {
    this.begins(performance.now());
    const failed = (error: unknown) => {
      this.underWay -= 1;
      if (isReply(error)) this.quietSince = performance.now();
      fail(error);
    };
    try {
      work(this.redis).then((value) => {
        this.underWay -= 1;
        this.quietSince = performance.now();
        resolve(value);
      }, failed);
    } catch (error) {
      failed(error);
    }
  }

  private begins(now: number): void {
    if (this.underWay === 0) this.quietSince = now;
    this.underWay += 1;
    this.hold();
  }

  /**
   * What is asked at one time goes out in one write: of many calls at a time, the writes take as long as
   * all else that this process does for its store, and the server reads each by itself.
   */
  private hold(): void {
    const { stream } = this.redis;
    if (this.held === stream) return;
    this.letGo();
    stream.cork();
    this.held = stream;
    // Behind all that waits to run at present, as calls do that are settled in step.
    process.nextTick(() => {
      if (this.held === stream) this.letGo();
    });
  }

  private letGo(): void {
    this.held?.uncork();
    this.held = undefined;
  }

  /**
   * A peer that stopped answering keeps its socket open; without this, calls would pile up on it. What is left of a wait
   * proves no silence by itself, nearly all of it does.
   */
  private dropIfSilent(): void {
    if (!this.ready || this.underWay === 0) return;
    if (performance.now() - this.quietSince < 0.9 * this.options.waitMs) return;
    this.ready = false;
    this.redis.disconnect(true);
  }
}

function clientOptions({ tls, ...address }: RedisAddress, waitMs: number) {
  return {
    ...address,
    ...(tls ? { tls } : {}),
    connectionName: "countersign",
    disableClientInfo: true,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // These bound the handshake, where a very short wait would never get through; `run` keeps to the wait itself.
    commandTimeout: Math.max(waitMs, 1000),
    connectTimeout: Math.max(waitMs, 1000),
    disconnectTimeout: 100,
    maxLoadingRetryTime: 500,
    keepAlive: 10_000,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, 500),
    // A replica after a failover: the next connection may reach the new primary.
    reconnectOnError: (error: Error) => /READONLY|MASTERDOWN/.test(error.message),
  };
}
