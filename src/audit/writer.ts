import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SigningKey } from "../keys/keys.js";
import { systemRuntime } from "../runtime.js";
import { linkTo } from "./chain.js";
import { sealWithin } from "./fit.js";
import { takeLock } from "./lock.js";
import { type AuditSink, AuditUnavailable, type RecordDraft } from "./record.js";
import { type Head, recover } from "./recovery.js";
import { type OpenSegment, openSegment } from "./segment_file.js";
import { writersOf } from "./segments.js";
import { recordAlgorithm } from "./signed.js";
import { Tail } from "./tail.js";

export interface WriterOptions {
  /** Audit directory; made when it is missing. */
  dir: string;
  /** Number of the worker process, from 1. Each has a chain of its own. */
  worker: number;
  key: SigningKey;
  /** `write`: a record survives the process. `fsync`: it survives the machine. */
  durability: "write" | "fsync";
  /** A segment is closed when the next batch would take it beyond this. Default 64 MiB. */
  maxSegmentBytes?: number;
  /** Records that may wait for the disk; more are refused. Default 10,000. */
  maxPending?: number;
  /** How often a failed disk is tried again when no record comes. Default 1,000 ms. */
  probeIntervalMs?: number;
  /** For tests that let the disk fail. */
  openSegment?: OpenSegment;
  /** Makes the writer's name, once in the life of the directory. */
  id?: () => string;
}

/** Signing blocks the process: 256 records take it some 15 ms. */
const maxBatchRecords = 256;
const maxBatchBytes = 4 * 1024 * 1024;

/**
 * Opens the chain of one worker and goes on where it ended. Throws `AuditUnavailable` when another process writes it,
 * or when its end cannot be trusted, and the system's error when the directory cannot be used.
 */
export async function openWriter(options: WriterOptions): Promise<AuditSink> {
  recordAlgorithm(options.key);
  await mkdir(options.dir, { recursive: true, mode: 0o750 });
  const unlock = await takeLock(join(options.dir, `w${options.worker}.lock`));
  try {
    const writer = await writerFor(options);
    const folder = join(options.dir, writer);
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const { head, segment, length } = await recover(folder, writer, options.key);
    const tailOptions = { folder, durability: options.durability, maxSegmentBytes: 64 * 1024 * 1024, openSegment };
    const tail = await Tail.open({ ...tailOptions, ...given(options) }, segment, length);
    return new ChainWriter(options, writer, tail, head, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

function given({ maxSegmentBytes, openSegment }: WriterOptions): Partial<WriterOptions> {
  return { ...(maxSegmentBytes && { maxSegmentBytes }), ...(openSegment && { openSegment }) };
}

async function writerFor({ dir, worker, id = systemRuntime.id }: WriterOptions): Promise<string> {
  const [known, ...others] = await writersOf(dir, worker);
  if (others.length > 0) {
    throw new AuditUnavailable(
      `${dir} holds several chains of worker ${worker} (${[known, ...others].join(", ")}): move all but one away`,
    );
  }
  return known ?? `w${worker}-${id()}`;
}

interface Waiting {
  draft: RecordDraft;
  resolve(): void;
  reject(error: AuditUnavailable): void;
}

/**
 * Group commit: records that come while a write is under way go out together with the next one. A record gets its
 * place in the chain only when it is written, so a write that fails leaves the chain as it was.
 */
class ChainWriter implements AuditSink {
  readonly #options: WriterOptions;
  readonly #writer: string;
  readonly #tail: Tail;
  readonly #unlock: () => Promise<void>;
  #head: Head;
  #queue: Waiting[] = [];
  #work: Promise<void> | null = null;
  #trouble: string | null = null;
  #probe: NodeJS.Timeout | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: WriterOptions, writer: string, tail: Tail, head: Head, unlock: () => Promise<void>) {
    this.#options = options;
    this.#writer = writer;
    this.#tail = tail;
    this.#head = head;
    this.#unlock = unlock;
  }

  append(draft: RecordDraft): Promise<void> {
    if (this.#closed) return Promise.reject(new AuditUnavailable("the audit writer is closed"));
    if (this.#queue.length >= (this.#options.maxPending ?? 10_000)) {
      return Promise.reject(new AuditUnavailable("too many records wait for the disk"));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ draft, resolve, reject });
      this.#work ??= this.#drain();
    });
  }

  trouble(): string | null {
    return this.#trouble;
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    while (this.#work) await this.#work;
    if (this.#probe) clearTimeout(this.#probe);
    try {
      await this.#tail.close();
    } finally {
      await this.#unlock();
    }
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) await this.#commit();
    this.#work = null;
  }

  async #commit(): Promise<void> {
    const batch = this.#sealNext();
    if (batch.waiting.length === 0) return;
    try {
      await this.#tail.append(Buffer.concat(batch.lines), this.#head.seq + 1);
    } catch (cause) {
      this.#failed(cause);
      for (const { reject } of batch.waiting) {
        reject(new AuditUnavailable("the record could not be written", { cause }));
      }
      return;
    }
    this.#head = batch.head;
    this.#trouble = null;
    for (const { resolve } of batch.waiting) resolve();
  }

  /** Takes records off the queue and seals them behind the present head, which stays. Refuses those that cannot be. */
  #sealNext(): { waiting: Waiting[]; lines: Buffer[]; head: Head } {
    const waiting: Waiting[] = [];
    const lines: Buffer[] = [];
    let head = this.#head;
    let bytes = 0;
    let taken = 0;
    for (const entry of this.#queue) {
      if (taken === maxBatchRecords || bytes >= maxBatchBytes) break;
      taken++;
      try {
        const place = { seq: head.seq + 1, prev: head.link, writer: this.#writer, key: this.#options.key };
        const line = sealWithin(entry.draft, place);
        head = { seq: place.seq, link: linkTo(line) };
        lines.push(line, newline);
        bytes += line.length + 1;
        waiting.push(entry);
      } catch (cause) {
        entry.reject(
          cause instanceof AuditUnavailable ? cause : new AuditUnavailable("the record could not be sealed", { cause }),
        );
      }
    }
    this.#queue = this.#queue.slice(taken);
    return { waiting, lines, head };
  }

  #failed(cause: unknown): void {
    this.#trouble = `audit records cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`;
    this.#probe ??= setTimeout(() => {
      this.#probe = null;
      if (this.#trouble !== null && !this.#work && !this.#closed) this.#work = this.#tryAgain();
    }, this.#options.probeIntervalMs ?? 1_000).unref();
  }

  /** Without it, readiness that went off with the last record would keep away the next, and never come back. */
  async #tryAgain(): Promise<void> {
    try {
      await this.#tail.probe();
      this.#trouble = null;
    } catch (cause) {
      this.#failed(cause);
    }
    await this.#drain();
  }
}

const newline = Buffer.from("\n");
