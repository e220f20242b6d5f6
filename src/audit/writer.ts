import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CanonicalBytes } from "../canonical_bytes.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import { systemRuntime } from "../runtime.js";
import { linkTo } from "./chain.js";
import { sealWithin } from "./fit.js";
import { HeadKeeper } from "./head_keeper.js";
import type { HeadsStatement } from "./heads.js";
import { checkAgainstStated, checkNoneMissing } from "./heads_file.js";
import { takeLock } from "./lock.js";
import { type AdminRecord, type AuditSink, AuditUnavailable, type RecordDraft } from "./record.js";
import { type Head, recover } from "./recovery.js";
import { type OpenSegment, openSegment } from "./segment_file.js";
import { writersOf } from "./segments.js";
import { recordAlgorithm } from "./signed.js";
import { Tail, type TailOptions } from "./tail.js";

export interface WriterOptions {
  /** Audit directory; made when it is missing. */
  dir: string;
  /** Number of the worker process, from 1. Each has a chain of its own. */
  worker: number;
  key: SigningKey;
  /** Keys that signed records before: a chain that ends with such a record goes on under `key`. */
  acceptedKeys?: readonly VerifyKey[];
  /** `write`: a record survives the process. `fsync`: it survives the machine. */
  durability: "write" | "fsync";
  /** A segment is closed when the next batch would take it beyond this. Default 64 MiB. */
  maxSegmentBytes?: number;
  /** A segment with records is closed when its first one is older than this. Default 15 minutes. */
  maxSegmentAgeMs?: number;
  /** How often the heads are stated. Default 1 minute. */
  headsEveryMs?: number;
  /** Records that may wait for the disk; more are refused. Default 10,000. */
  maxPending?: number;
  /** How often a failed disk is tried again when no record comes. Default 1,000 ms. */
  probeIntervalMs?: number;
  /** Told the path of each segment to which nothing is added any more. */
  onFinished?: (path: string) => void;
  /** Told of each new statement of heads, the signed line without its newline. */
  onHeads?: (line: string) => void;
  /** Told what an operator should look after, and that holds up no record. */
  onWarning?: (message: string) => void;
  /** Milliseconds since the Unix epoch. */
  now?: () => number;
  /** For tests that let the disk fail. */
  openSegment?: OpenSegment;
  /** Makes the writer's name, once in the life of the directory. */
  id?: () => string;
}

/** Signing blocks the process: 256 records take it some 15 ms. */
const maxBatchRecords = 256;
const maxBatchBytes = 4 * 1024 * 1024;

/** The sink that writes a chain. */
export interface AuditWriter extends AuditSink {
  /** Name of the chain. */
  readonly writer: string;
  /** Where its segments are. */
  readonly folder: string;
  /** How far the chains of the directory have come, not signed yet. */
  heads(): HeadsStatement;
}

/**
 * Opens the chain of one worker and goes on where it ended; under another key than before, with a record that says so.
 * Throws `AuditUnavailable` when another process writes it, or when its end cannot be trusted or is missing, and the
 * system's error when the directory cannot be used.
 */
export async function openWriter(options: WriterOptions): Promise<AuditWriter> {
  recordAlgorithm(options.key);
  await mkdir(options.dir, { recursive: true, mode: 0o750 });
  const unlock = await takeLock(join(options.dir, `w${options.worker}.lock`));
  let opened: ChainWriter | null = null;
  try {
    const writer = await writerFor(options);
    const folder = join(options.dir, writer);
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const keys = [options.key, ...(options.acceptedKeys ?? [])];
    const { head, kid, ...start } = await recover(folder, writer, keys);
    const stated = await checkAgainstStated(options.dir, writer, head, keys);
    const tail = await Tail.open(tailOptions(options, folder), start);
    opened = new ChainWriter(options, { writer, folder, tail, head, stated, unlock });
    if (kid !== null && kid !== options.key.kid) await opened.append(keyChanged(options, kid));
    return opened;
  } catch (error) {
    await (opened ? opened.close() : unlock());
    throw error;
  }
}

function tailOptions(options: WriterOptions, folder: string): TailOptions {
  return {
    folder,
    durability: options.durability,
    maxSegmentBytes: options.maxSegmentBytes ?? 64 * 1024 * 1024,
    maxSegmentAgeMs: options.maxSegmentAgeMs ?? 15 * 60_000,
    openSegment: options.openSegment ?? openSegment,
    now: options.now ?? systemRuntime.now,
    onFinished: options.onFinished ?? ignore,
  };
}

function keyChanged({ key, now = systemRuntime.now }: WriterOptions, from: string): AdminRecord {
  const timestamp = new Date(now()).toISOString();
  const detail = { from, to: key.kid };
  return { kind: "admin", timestamp, act: "audit_key_changed", by: "operator", agent_id: null, detail };
}

async function writerFor({ dir, worker, id = systemRuntime.id }: WriterOptions): Promise<string> {
  const [known, ...others] = await writersOf(dir, worker);
  if (others.length > 0) {
    throw new AuditUnavailable(
      `${dir} holds several chains of worker ${worker} (${[known, ...others].join(", ")}): move all but one away`,
    );
  }
  await checkNoneMissing(dir, worker, known === undefined ? [] : [known]);
  return known ?? `w${worker}-${id()}`;
}

interface Waiting {
  draft: RecordDraft;
  resolve(): void;
  reject(error: AuditUnavailable): void;
}

/** Records that are written together. */
interface Batch {
  waiting: Waiting[];
  /** The end of the chain with them. */
  head: Head;
}

interface Opened {
  writer: string;
  folder: string;
  tail: Tail;
  head: Head;
  stated: HeadsStatement | null;
  unlock: () => Promise<void>;
}

/**
 * Group commit: records that come in one turn of the event loop go out together, and so do those that come while a write is
 * under way. A record gets its place in the chain only when it is written, so a write that fails leaves the chain as it was.
 */
class ChainWriter implements AuditWriter {
  readonly writer: string;
  readonly folder: string;
  readonly #options: WriterOptions;
  readonly #tail: Tail;
  readonly #keeper: HeadKeeper;
  readonly #unlock: () => Promise<void>;
  readonly #now: () => number;
  /** The lines of the batch that is being written; there is never more than one. */
  readonly #room = new CanonicalBytes();
  #head: Head;
  #queue: Waiting[] = [];
  /** What has to be waited for. */
  #work: Promise<void> | null = null;
  /** Writes what waits at the end of this turn of the event loop. */
  #turn: NodeJS.Immediate | null = null;
  #trouble: string | null = null;
  #probe: NodeJS.Timeout | null = null;
  /** Ends the segment when it is old. */
  #age: NodeJS.Timeout | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: WriterOptions, { writer, folder, tail, head, stated, unlock }: Opened) {
    this.#options = options;
    this.writer = writer;
    this.folder = folder;
    this.#tail = tail;
    this.#head = head;
    this.#unlock = unlock;
    this.#now = options.now ?? systemRuntime.now;
    this.#keeper = new HeadKeeper({
      dir: options.dir,
      writer,
      key: options.key,
      accepted: options.acceptedKeys ?? [],
      everyMs: options.headsEveryMs ?? 60_000,
      now: this.#now,
      head: () => this.#head,
      sync: () => tail.sync(),
      stated,
      onHeads: options.onHeads ?? ignore,
      onWarning: options.onWarning ?? ignore,
    });
    this.#watchAge();
  }

  heads(): HeadsStatement {
    return this.#keeper.now();
  }

  append(draft: RecordDraft): Promise<void> {
    if (this.#closed) return Promise.reject(new AuditUnavailable("the audit writer is closed"));
    if (this.#queue.length >= (this.#options.maxPending ?? 10_000)) {
      return Promise.reject(new AuditUnavailable("too many records wait for the disk"));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ draft, resolve, reject });
      if (!this.#work) this.#next();
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
    while (this.#work || this.#turn) {
      if (this.#work) await this.#work;
      else this.#endTurn();
    }
    if (this.#probe) clearTimeout(this.#probe);
    if (this.#age) clearTimeout(this.#age);
    try {
      // What cannot be ended now goes on at the next start.
      await this.#tail.end(this.#head.seq + 1).catch(ignore);
      await this.#keeper.close();
      await this.#tail.close();
    } finally {
      await this.#unlock();
    }
  }

  /** Each batch in a turn of its own, so that many records do not keep the process from everything else. */
  #next(): void {
    if (this.#queue.length === 0) this.#watchAge();
    else this.#turn ??= setImmediate(() => this.#endTurn());
  }

  #endTurn(): void {
    if (this.#turn) clearImmediate(this.#turn);
    this.#turn = null;
    if (!this.#work) this.#drain();
  }

  /** Makes no promise where there is nothing to wait for, as for most batches. */
  #drain(): void {
    const writing = this.#commit();
    if (writing || (this.#queue.length === 0 && this.#tail.isOld())) this.#work = this.#waited(writing);
    else this.#next();
  }

  async #waited(writing: Promise<void> | null): Promise<void> {
    await writing;
    if (this.#queue.length === 0) {
      await this.#tail.endOld(this.#head.seq + 1).catch((cause) => this.#failed(cause));
    }
    this.#work = null;
    this.#next();
  }

  /** Without it, a segment would stay open as long as no record comes. */
  #watchAge(): void {
    const { endsAtMs } = this.#tail;
    if (endsAtMs === null || this.#age || this.#trouble !== null || this.#closed) return;
    const inMs = Math.min(Math.max(endsAtMs - this.#now(), 0), longestTimerMs);
    this.#age = setTimeout(() => {
      this.#age = null;
      if (!this.#closed && !this.#work) this.#drain();
    }, inMs).unref();
  }

  /** Never rejects; `null` when it is done. */
  #commit(): Promise<void> | null {
    const batch = this.#sealNext();
    if (batch.waiting.length === 0) return null;
    const writing = this.#tail.append(this.#room.from(0), this.#head.seq + 1);
    if (writing !== null) {
      return writing.then(
        () => this.#committed(batch),
        (cause) => this.#refused(batch, cause),
      );
    }
    this.#committed(batch);
    return null;
  }

  #committed({ head, waiting }: Batch): void {
    this.#head = head;
    this.#trouble = null;
    for (const { resolve } of waiting) resolve();
  }

  #refused({ waiting }: Batch, cause: unknown): void {
    this.#failed(cause);
    for (const { reject } of waiting) reject(new AuditUnavailable("the record could not be written", { cause }));
  }

  /** Takes records off the queue and seals them behind the present head, which stays. Refuses those that cannot be. */
  #sealNext(): Batch {
    const waiting: Waiting[] = [];
    const room = this.#room;
    let head = this.#head;
    let taken = 0;
    room.clear();
    for (const entry of this.#queue) {
      if (taken === maxBatchRecords || room.end >= maxBatchBytes) break;
      taken++;
      const start = room.end;
      try {
        const place = { seq: head.seq + 1, prev: head.link, writer: this.writer, key: this.#options.key };
        sealWithin(room, entry.draft, place);
        head = { seq: place.seq, link: linkTo(room.from(start)) };
        room.byte(newline);
        waiting.push(entry);
      } catch (cause) {
        entry.reject(
          cause instanceof AuditUnavailable ? cause : new AuditUnavailable("the record could not be sealed", { cause }),
        );
      }
    }
    this.#queue = this.#queue.slice(taken);
    return { waiting, head };
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
      await this.#tail.probe(this.#head.seq + 1);
      this.#trouble = null;
    } catch (cause) {
      this.#failed(cause);
    }
    await this.#waited(null);
  }
}

const newline = 0x0a;

/** The longest that a timer of Node waits. */
const longestTimerMs = 2 ** 31 - 1;

const ignore = (): void => {};
