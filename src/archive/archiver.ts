import type { Logger } from "pino";
import { backoffMs } from "../backoff.js";
import type { Runtime } from "../runtime.js";
import type { ArchiveMetrics } from "../telemetry/archive.js";
import type { Bucket } from "./client.js";
import { BucketUnfit, ForeignObject, wordsOf } from "./failure.js";
import { probeBucket } from "./probe.js";
import type { Spool, WaitingSegment } from "./spool.js";
import { type ArchiveTiming, slowest, usualTiming } from "./timing.js";
import { headsOf, type UploadOptions, uploadHeads, uploadSegment, type WaitingHeads } from "./upload.js";

export interface ArchiverDeps {
  bucket: Bucket;
  spool: Spool;
  /** Milliseconds for which nobody can delete what is put. */
  retentionMs: number;
  runtime: Runtime;
  log: Logger;
  metrics: ArchiveMetrics;
  timing?: Partial<ArchiveTiming>;
}

/**
 * Brings finished segments and statements of heads into the bucket, one at a time and as long as it takes. What waits is on disk,
 * so nothing here is on the way of a decision, and nothing is lost with the process.
 */
export class Archiver {
  readonly #deps: ArchiverDeps;
  readonly #timing: ArchiveTiming;
  readonly #stop = new AbortController();
  /** What cannot be put for what lies there, and when it is tried again, by path. */
  readonly #foreign = new Map<string, { message: string; dueMs: number }>();
  /** The last statement that could not be put for what lies there. It is not tried again: newer ones say more. */
  #foreignHeads: string | null = null;
  #waiting: WaitingSegment[] = [];
  #heads: WaitingHeads | null = null;
  #newestHeads: string | null = null;
  #probed = false;
  #trouble: { at: string; message: string } | null = null;
  #failures = 0;
  #turn: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(deps: ArchiverDeps) {
    this.#deps = deps;
    this.#timing = { ...usualTiming, ...deps.timing };
    deps.metrics.waiting([]);
    deps.metrics.up(false);
  }

  /** Probes the bucket and begins. Throws `BucketUnfit`; a bucket that cannot be asked now is asked again later. */
  async start(): Promise<void> {
    const late = AbortSignal.timeout(this.#timing.startMs);
    try {
      await this.#count();
      await this.#probe(late);
    } catch (error) {
      if (error instanceof BucketUnfit) throw error;
      this.#failed(error);
      return;
    }
    this.look();
  }

  /** Call it when a segment has ended. */
  look(): void {
    if (this.#closing) return;
    // While the bucket is away only what waits is counted.
    if (this.#failures > 0) void this.#count().catch(() => undefined);
    else this.#go();
  }

  /** Call it with each new statement, without its newline: only the newest one waits. */
  heads(line: string): void {
    this.#take(line);
    this.look();
  }

  /** `null` while everything comes into the bucket. */
  trouble(): string | null {
    const foreign = [...this.#foreign.values()].map(({ message }) => message);
    if (this.#foreignHeads !== null) foreign.push(this.#foreignHeads);
    const parts = [
      ...(foreign.length > 0 ? [`${foreign.length} cannot be archived: ${foreign[0]}`] : []),
      ...(this.#trouble
        ? [`${this.#waiting.length} segments waiting, last error at ${this.#trouble.at}: ${this.#trouble.message}`]
        : []),
    ];
    return parts.length === 0 ? null : parts.join("; ");
  }

  /** Uploads what there is, for so long at most; what is left waits on disk for the next start. Call it when the writer is closed. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    const timer = setTimeout(() => this.#stop.abort(), graceMs);
    await this.#turn;
    clearTimeout(this.#timer);
    // One try is enough for a bucket that is away, and a bucket that answers takes all of it.
    if (!this.#stop.signal.aborted) await this.#once();
    clearTimeout(timer);
    clearTimeout(this.#timer);
    this.#deps.bucket.s3.destroy();
    const waiting = this.#waiting.length;
    if (waiting > 0) this.#deps.log.warn({ waiting }, "segments are left for the archive at the next start");
  }

  /** Never two at a time. */
  #go(): void {
    clearTimeout(this.#timer);
    this.#again = true;
    this.#turn ??= this.#turns();
  }

  async #turns(): Promise<void> {
    // So that it is known to be under way before it can end.
    await Promise.resolve();
    while (this.#again && !this.#closing) {
      this.#again = false;
      await this.#once();
    }
    this.#turn = null;
  }

  /** Uploads what waits until nothing does. Never rejects. */
  async #once(): Promise<void> {
    try {
      if (!this.#probed) await this.#probe(this.#stop.signal);
      await this.#count();
      while (await this.#next()) this.#worked();
      this.#schedule(this.#timing.lookMs);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(error);
    }
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const { bucket, runtime } = this.#deps;
    await probeBucket(bucket, {
      id: runtime.id(),
      now: runtime.now,
      signal: AbortSignal.any([signal, this.#stop.signal]),
    });
    this.#probed = true;
    this.#worked();
  }

  /** Finds out what waits on disk. */
  async #count(): Promise<void> {
    const { spool, metrics } = this.#deps;
    this.#waiting = await spool.waiting();
    for (const path of this.#foreign.keys()) {
      if (!this.#waiting.some((segment) => segment.path === path)) this.#foreign.delete(path);
    }
    metrics.waiting(this.#waiting);
    this.#take(await spool.heads());
  }

  #take(line: string | null): void {
    if (line === null || line === this.#newestHeads) return;
    this.#newestHeads = line;
    this.#heads = headsOf(line);
  }

  /** Uploads one thing; false when nothing is due. */
  async #next(): Promise<boolean> {
    if (this.#stop.signal.aborted) return false;
    if (this.#heads) {
      const heads = this.#heads;
      await this.#upload(null, heads.line.length, (options) => uploadHeads(this.#deps.bucket, heads, options));
      if (this.#heads === heads) this.#heads = null;
      return true;
    }
    const nowMs = this.#nowMs();
    const segment = this.#waiting.find(({ path }) => (this.#foreign.get(path)?.dueMs ?? 0) <= nowMs);
    if (!segment) return false;
    await this.#upload(segment.path, segment.bytes, (options) => uploadSegment(this.#deps.bucket, segment, options));
    await this.#count();
    return true;
  }

  /** Rejects when it is to be tried again. */
  async #upload(path: string | null, bytes: number, work: (options: UploadOptions) => Promise<unknown>): Promise<void> {
    const { retentionMs, runtime, metrics, log } = this.#deps;
    const late = AbortSignal.timeout(this.#timing.uploadMs + Math.ceil(bytes / slowest));
    try {
      await work({ retentionMs, now: runtime.now, signal: AbortSignal.any([late, this.#stop.signal]) });
      metrics.uploaded("stored");
      if (path !== null) this.#foreign.delete(path);
    } catch (error) {
      if (!(error instanceof ForeignObject)) {
        metrics.uploaded("failed");
        throw error;
      }
      metrics.uploaded("foreign");
      log.error({ problem: error.message }, "what has to be archived cannot be put");
      const { message } = error;
      if (path === null) this.#foreignHeads = message;
      else this.#foreign.set(path, { message, dueMs: this.#nowMs() + this.#timing.foreignMs });
    }
  }

  #worked(): void {
    this.#failures = 0;
    this.#deps.metrics.up(true);
    if (this.#trouble === null) return;
    this.#trouble = null;
    this.#deps.log.info({ waiting: this.#waiting.length }, "the archive of the audit trail is back");
  }

  #failed(error: unknown): void {
    const { runtime, metrics, log } = this.#deps;
    const problem = wordsOf(error);
    if (this.#trouble === null) {
      log.warn({ problem }, "the archive of the audit trail is away: what it has to take waits on disk");
    } else if (error instanceof BucketUnfit && this.#trouble.message !== problem) {
      log.error({ problem }, "nothing is archived");
    }
    this.#trouble = { at: new Date(runtime.now()).toISOString(), message: problem };
    metrics.up(false);
    this.#failures += 1;
    const [byte = 0] = runtime.random(1);
    this.#schedule(backoffMs(this.#failures, this.#timing, byte / 256));
    void this.#count().catch(() => undefined);
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#closing) this.#timer = setTimeout(() => this.#go(), inMs).unref();
  }

  #nowMs(): number {
    return this.#deps.runtime.monotonicMicros() / 1000;
  }
}
