import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-node";
import { exportTimeoutMs } from "./exporter.js";
import { SpanBatch, type SpanExporter } from "./span_batch.js";

/** What became of spans. `failed`: they cannot be written, or the collector refused them or was away when the process ended. */
export type SpanResult = "sent" | "dropped" | "failed" | "sampled_out";

/** Told how it goes with the collector. */
export interface SpanWatch {
  counted(result: SpanResult, count: number): void;
  waiting(count: number): void;
  /** Once when the collector goes away, and once when it is back. */
  away(why: string): void;
  back(): void;
}

export interface SpanQueueOptions {
  exporter: SpanExporter;
  watch?: SpanWatch;
  /** Spans that may wait; further ones are dropped. Default 8,192, some 10 MB. */
  maxWaiting?: number;
  /** How long spans wait for more to go with, in milliseconds. */
  delayMs?: number;
  /** First and longest pause before a collector that is away is tried again, in milliseconds. */
  retryMs?: readonly [number, number];
}

/**
 * Spans on their way to the collector. The ones that it did not take wait, in order and bounded in number, and are sent when
 * it is back: `BatchSpanProcessor` of the SDK would throw each batch away that it could not send. Nothing here waits for
 * the collector but `shutdown`.
 */
export class SpanQueue implements SpanProcessor {
  readonly #options: Required<Omit<SpanQueueOptions, "watch">>;
  readonly #watch: SpanWatch | undefined;
  /** In the order in which they are sent. Spans are added to the last. */
  #batches: SpanBatch[] = [];
  /** Spans in all of them. */
  #count = 0;
  /** Is being sent, and gets no more spans. */
  #sent: SpanBatch | null = null;
  /** One that was sent: its memory is as large as a batch of this server needs. */
  #spare: SpanBatch | null = null;
  #timer: NodeJS.Timeout | null = null;
  #sending: Promise<void> | null = null;
  #pauseMs = 0;
  #away: Error | null = null;
  #closed = false;

  constructor({ watch, ...options }: SpanQueueOptions) {
    this.#options = { maxWaiting: 8_192, delayMs: 1_000, retryMs: [1_000, 15_000], ...options };
    this.#watch = watch;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#closed || this.#count >= this.#options.maxWaiting) {
      this.#watch?.counted("dropped", 1);
      return;
    }
    try {
      // At once: kept as an object it would outlive the young generation.
      this.#open().add(span);
    } catch {
      // Who ends a span is making a decision, which does not fail for it.
      this.#watch?.counted("failed", 1);
      return;
    }
    this.#count++;
    this.#watch?.waiting(this.#count);
    this.#sendLater();
  }

  /** The batch that takes one more. */
  #open(): SpanBatch {
    const last = this.#batches.at(-1);
    if (last !== undefined && last !== this.#sent && !last.isFull) return last;
    const next = this.#spare ?? new SpanBatch();
    this.#spare = null;
    this.#batches.push(next);
    return next;
  }

  /** Resolves when everything that waits was tried once. */
  async forceFlush(): Promise<void> {
    await this.#sending;
    await this.#send();
  }

  /** Sends what waits, for two seconds at most. Rejects when the collector did not take it. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, exportTimeoutMs);
    });
    await Promise.race([this.forceFlush(), late]);
    clearTimeout(timer);
    const left = this.#count;
    this.#batches = [];
    this.#count = 0;
    void this.#options.exporter.shutdown().catch(() => undefined);
    if (left === 0) return;
    this.#watch?.counted("failed", left);
    this.#watch?.waiting(0);
    throw new Error(`the collector did not take the last ${left} spans`, { cause: this.#away });
  }

  #sendLater(): void {
    if (this.#timer || this.#sending || this.#closed) return;
    const send = (): void => {
      this.#timer = null;
      void this.#send();
    };
    this.#timer = setTimeout(send, Math.max(this.#options.delayMs, this.#pauseMs)).unref();
  }

  #send(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
      if (this.#count > 0) this.#sendLater();
    });
    return this.#sending;
  }

  /** Batch after batch, until one is not taken. */
  async #sendAll(): Promise<void> {
    // The last one is empty where nothing could be written to it.
    for (let batch = this.#batches[0]; batch?.count; batch = this.#batches[0]) {
      this.#sent = batch;
      const error = await this.#exported(batch);
      this.#sent = null;
      if (error && isPassing(error)) return this.#paused(error);
      // Emptied by a shutdown that waits no longer.
      if (this.#batches[0] !== batch) return;
      this.#batches.shift();
      this.#count -= batch.count;
      this.#watch?.counted(error ? "failed" : "sent", batch.count);
      this.#watch?.waiting(this.#count);
      if (error) this.#isAway(error);
      else this.#isBack();
      batch.clear();
      this.#spare = batch;
    }
  }

  #exported(batch: SpanBatch): Promise<Error | null> {
    return new Promise((resolve) => {
      // Exporters have a timeout of their own, and this one holds even if theirs does not.
      const timer = setTimeout(() => resolve(new Error("no answer in time")), exportTimeoutMs * 2).unref();
      const done = ({ code, error }: ExportResult): void => {
        clearTimeout(timer);
        resolve(code === ExportResultCode.SUCCESS ? null : (error ?? new Error("no reason given")));
      };
      try {
        this.#options.exporter.export(batch, done);
      } catch (error) {
        done({ code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) });
      }
    });
  }

  #paused(error: Error): void {
    const [first, longest] = this.#options.retryMs;
    this.#pauseMs = Math.min(longest, Math.max(first, this.#pauseMs * 2));
    this.#isAway(error);
  }

  #isAway(error: Error): void {
    if (this.#away === null) this.#watch?.away(error.message);
    this.#away = error;
  }

  #isBack(): void {
    this.#pauseMs = 0;
    if (this.#away !== null) this.#watch?.back();
    this.#away = null;
  }
}

/** Statuses after which the same spans may be taken later, as the OTLP specification has them. */
const httpAgain: readonly number[] = [429, 502, 503, 504];
/** CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const grpcAgain: readonly number[] = [1, 4, 8, 10, 11, 14, 15];

/** False for spans that the collector has read and will never take. Errors of the connection have no number. */
function isPassing(error: Error & { code?: unknown }): boolean {
  return typeof error.code !== "number" || httpAgain.includes(error.code) || grpcAgain.includes(error.code);
}
