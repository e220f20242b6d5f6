import type { Logger } from "pino";
import { backoffMs } from "../backoff.js";
import type { Runtime } from "../runtime.js";
import { StoreUnavailable } from "../store/store.js";
import type { Metrics } from "../telemetry/metrics.js";
import type { Happening } from "./notice.js";
import { type Notifier, type NotifierName, NotSent } from "./notifier.js";
import { type Job, Queue } from "./queue.js";
import type { Telling } from "./telling.js";
import type { Timing } from "./timing.js";

/** What a notifier may have in hand, and at a time. */
const mostWaiting = 1_000;
const mostAtOnce = 4;
/** Longest time for which a notifier is left alone because the other side asks for it. */
const longestPauseMs = 3_600_000;

export interface SenderDeps {
  /** What is to be said by now; `null` when nothing. */
  tellingOf: (job: Job, notifier: NotifierName) => Promise<Telling | null>;
  runtime: Runtime;
  timing: Timing;
  log: Logger;
  metrics: Pick<Metrics, "notified" | "notificationsWaiting">;
}

/** Tells things by one notifier: a bounded number of them, a few at a time, again and again until they are taken. */
export class Sender {
  readonly name: NotifierName;
  readonly #notifier: Notifier;
  readonly #deps: SenderDeps;
  readonly #queue = new Queue(mostWaiting);
  readonly #active = new Map<Job, { ended: Promise<void>; stop: AbortController }>();
  #pausedUntilMs = 0;
  #trouble: { at: string; message: string } | null = null;
  #dropped = { count: 0, saidMs: Number.NEGATIVE_INFINITY };
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(notifier: Notifier, deps: SenderDeps) {
    this.name = notifier.name;
    this.#notifier = notifier;
    this.#deps = deps;
    deps.metrics.notificationsWaiting(this.name, 0);
  }

  add(happening: Happening): void {
    if (this.#closed) return;
    const { runtime } = this.#deps;
    const nowMs = this.#nowMs();
    const id = runtime.id();
    const key = "id" in happening ? keyOf(happening) : id;
    const times = { atMs: runtime.now(), takenMs: nowMs, dueMs: nowMs };
    const lost = this.#queue.add({ key, happening, id, failures: 0, ...times });
    if (lost) this.#drop(lost);
    this.#pump();
  }

  /** True while it has something of this approval in hand. */
  has(happening: { kind: string; id: string }): boolean {
    const key = keyOf(happening);
    return this.#queue.has(key) || this.#isBusy(key);
  }

  get isFull(): boolean {
    return this.#queue.isFull;
  }

  /** `null` while everything is being told. */
  trouble(): string | null {
    if (this.#trouble === null) return null;
    const { at, message } = this.#trouble;
    return `${this.name}: ${this.#waiting} waiting, last error at ${at}: ${message}`;
  }

  /** Ends what is under way, after a moment in which it may end by itself. */
  async close(): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#deps.timing.closeMs);
    while (this.#active.size > 0 && !late.signal.aborted) {
      await Promise.race([aborted(late.signal), ...[...this.#active.values()].map(({ ended }) => ended)]);
    }
    clearTimeout(timer);
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { stop } of this.#active.values()) stop.abort();
    await Promise.all([...this.#active.values()].map(({ ended }) => ended));
  }

  get #waiting(): number {
    return this.#queue.size + this.#active.size;
  }

  /** While one is under way its like waits, so that it sees what became of it. */
  readonly #isBusy = (key: string): boolean => [...this.#active.keys()].some((job) => job.key === key);

  #nowMs(): number {
    return this.#deps.runtime.monotonicMicros() / 1000;
  }

  /** Starts what is due, and comes back when the next one is. */
  #pump(): void {
    clearTimeout(this.#timer);
    const nowMs = this.#nowMs();
    while (!this.#closed && this.#active.size < mostAtOnce && nowMs >= this.#pausedUntilMs) {
      const job = this.#queue.next(nowMs, this.#isBusy);
      if (job === null) break;
      const stop = new AbortController();
      this.#active.set(job, { stop, ended: this.#run(job, stop) });
    }
    this.#deps.metrics.notificationsWaiting(this.name, this.#waiting);
    const dueMs = this.#queue.dueMs(this.#isBusy);
    if (this.#closed || dueMs === null || this.#active.size >= mostAtOnce) return;
    const inMs = Math.max(dueMs, this.#pausedUntilMs) - nowMs;
    this.#timer = setTimeout(() => this.#pump(), Math.ceil(Math.max(inMs, 1))).unref();
  }

  /** Never rejects. */
  async #run(job: Job, stop: AbortController): Promise<void> {
    // So that it is among the active ones before it can end.
    await Promise.resolve();
    let telling: Telling | null = null;
    try {
      telling = await this.#deps.tellingOf(job, this.name);
      if (telling === null) {
        if (job.failures > 0) this.#count(job, "failed");
      } else {
        await this.#send(telling, stop);
        this.#sent(job);
        await this.#settle(telling, "sent");
      }
    } catch (error) {
      await this.#failed(job, telling, error);
    } finally {
      this.#active.delete(job);
      this.#pump();
    }
  }

  async #send({ notice, id }: Telling, stop: AbortController): Promise<void> {
    const { tryMs } = this.#deps.timing;
    const timer = setTimeout(() => stop.abort(), tryMs);
    try {
      const late = aborted(stop.signal).then(() => {
        throw new NotSent(`no answer within ${tryMs / 1000} s`);
      });
      await Promise.race([this.#notifier.send(notice, { id, signal: stop.signal }), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #sent(job: Job): void {
    this.#count(job, "sent");
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#deps.log.info({ notifier: this.name, waiting: this.#queue.size }, "the notifier works again");
  }

  async #failed(job: Job, telling: Telling | null, error: unknown): Promise<void> {
    if (this.#closed) return;
    const { runtime, timing, log } = this.#deps;
    const message = wordsOf(error);
    if (this.#trouble === null) log.warn({ notifier: this.name, problem: message }, "a notice could not be sent");
    this.#trouble = { at: new Date(runtime.now()).toISOString(), message };
    const { never, afterMs = 0 } = error instanceof NotSent ? error.retry : {};
    const nowMs = this.#nowMs();
    if (never || nowMs - job.takenMs >= timing.giveUpMs) {
      this.#count(job, "failed");
      log.error({ notifier: this.name, kind: job.happening.kind, problem: message }, "a notice was given up");
      if (telling) await this.#settle(telling, "given_up");
      return;
    }
    this.#count(job, "retried");
    const failures = job.failures + 1;
    const [byte = 0] = runtime.random(1);
    const pauseMs = Math.min(afterMs, longestPauseMs);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + pauseMs);
    const dueMs = nowMs + Math.max(pauseMs, backoffMs(failures, timing, byte / 256));
    const lost = this.#queue.add({ ...job, failures, dueMs });
    if (lost) this.#drop(lost);
  }

  async #settle(telling: Telling, how: "sent" | "given_up"): Promise<void> {
    try {
      await telling.settle(how);
    } catch (error) {
      // It may be told twice then.
      this.#deps.log.warn({ notifier: this.name, problem: wordsOf(error) }, "a sent notice could not be noted");
    }
  }

  #drop(job: Job): void {
    this.#count(job, "dropped");
    this.#dropped.count += 1;
    const at = new Date(this.#deps.runtime.now()).toISOString();
    this.#trouble ??= { at, message: `more than ${mostWaiting} notices wait, and some are dropped` };
    const nowMs = this.#nowMs();
    if (nowMs - this.#dropped.saidMs < 60_000) return;
    const { count: dropped } = this.#dropped;
    this.#dropped = { count: 0, saidMs: nowMs };
    this.#deps.log.error({ notifier: this.name, dropped, waiting: mostWaiting }, "too much waits to be told");
  }

  #count({ happening }: Job, result: "sent" | "retried" | "failed" | "dropped"): void {
    this.#deps.metrics.notified(this.name, happening.kind, result);
  }
}

function keyOf({ kind, id }: { kind: string; id: string }): string {
  return `${kind} ${id}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Only what was written to be read; of other errors the kind, since their messages may quote addresses that are secret. */
export function wordsOf(error: unknown): string {
  if (error instanceof NotSent) return error.message;
  if (error instanceof StoreUnavailable) return `the store: ${error.message}`;
  return error instanceof Error ? `unexpected ${error.name}` : "unexpected error";
}
