import { join } from "node:path";
import { ForeignChange, type OpenSegment, type SegmentFile, syncFolder } from "./segment_file.js";
import { segmentFor } from "./segments.js";

export interface TailOptions {
  folder: string;
  /** `write`: the operating system has the bytes. `fsync`: the disk has them. */
  durability: "write" | "fsync";
  /** A segment is closed when the next batch would take it beyond this. */
  maxSegmentBytes: number;
  /** A segment with records is closed when its first one is older than this, in milliseconds. */
  maxSegmentAgeMs: number;
  openSegment: OpenSegment;
  /** Milliseconds since the Unix epoch. */
  now: () => number;
  /** Told the path of each segment to which nothing is added any more; must not throw. */
  onFinished: (path: string) => void;
}

/** Where a chain goes on. */
export interface TailStart {
  /** File name of the newest segment. */
  segment: string;
  /** Bytes of it that are whole lines. */
  length: number;
  /** When its first record was written, in milliseconds since the Unix epoch; `null` = it has none. */
  begunMs: number | null;
}

/** As large as a page: on a full disk a smaller write may still fit into the last one. */
const probeBytes = Buffer.alloc(4096, " ");

/**
 * The growing end of a chain on disk. A failed write leaves bytes of unknown number behind; nothing is appended after
 * them before they are cut off again, so the file always holds whole batches.
 */
export class Tail {
  readonly #options: TailOptions;
  #file: SegmentFile;
  #path: string;
  #begunMs: number | null;
  /** Bytes of the segment that are known to be good. */
  #length: number;
  #dirty = false;
  /** Stays on until the next segment is open: a segment that was begun must get the record its name promises. */
  #full = false;
  #foreign: ForeignChange | null = null;

  private constructor(
    options: TailOptions,
    file: SegmentFile,
    { path, length, begunMs }: TailStart & { path: string },
  ) {
    this.#options = options;
    this.#file = file;
    this.#path = path;
    this.#length = length;
    this.#begunMs = begunMs;
  }

  /** Goes on after the first `length` bytes of a segment. */
  static async open(options: TailOptions, start: TailStart): Promise<Tail> {
    const path = join(options.folder, start.segment);
    const file = await options.openSegment(path);
    await file.confirm(start.length);
    await syncFolder(options.folder);
    const begunMs = start.begunMs === null ? null : Math.min(start.begunMs, options.now());
    return new Tail(options, file, { ...start, path, begunMs });
  }

  /** When the segment is too old to go on with, in milliseconds since the Unix epoch; `null` while it has no record. */
  get endsAtMs(): number | null {
    return this.#begunMs === null ? null : this.#begunMs + this.#options.maxSegmentAgeMs;
  }

  /**
   * Appends whole lines, the first of which is record `firstSeq`: all of them, or none as far as readers will see. `null` when it
   * is done already, as it is when the segment takes them and their loss with the power is no matter.
   */
  append(lines: Uint8Array, firstSeq: number): Promise<void> | null {
    this.#full ||= this.#length > 0 && this.#length + lines.length > this.#options.maxSegmentBytes;
    if (this.#dirty || this.#full || this.#options.durability === "fsync" || this.isOld()) {
      return this.#appended(lines, firstSeq);
    }
    this.#dirty = true;
    try {
      const written = this.#file.appendNow(lines);
      if (written === lines.length) {
        this.#file.confirmNow(this.#length + lines.length);
        this.#grown(lines.length);
        return null;
      }
      return this.#undoneIfNot(this.#write(lines, written ?? 0), lines.length);
    } catch (error) {
      return this.#undoneIfNot(Promise.reject(this.#noted(error)), lines.length);
    }
  }

  async #appended(lines: Uint8Array, firstSeq: number): Promise<void> {
    if (this.#dirty) await this.#repair();
    if (this.#full || this.isOld()) await this.#rotate(firstSeq);
    await this.#undoneIfNot(this.#write(lines), lines.length);
  }

  async #undoneIfNot(writing: Promise<void>, length: number): Promise<void> {
    try {
      await writing;
    } catch (error) {
      // At once, so that nobody who verifies meanwhile finds half a line; what fails here is done before the next write.
      await this.#repair().catch(() => undefined);
      throw error;
    }
    this.#grown(length);
  }

  #grown(by: number): void {
    this.#length += by;
    this.#dirty = false;
    this.#begunMs ??= this.#options.now();
  }

  /** Ends a segment that is too old, so that what it holds is finished though no further record comes. */
  async endOld(nextSeq: number): Promise<void> {
    if (this.isOld()) await this.end(nextSeq);
  }

  /** Ends the segment if it has records; the next one is there from then on, and empty. */
  async end(nextSeq: number): Promise<void> {
    if (this.#dirty) await this.#repair();
    if (this.#length > 0) await this.#rotate(nextSeq);
  }

  /** Resolves when all that was appended would survive a loss of power. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Finds out whether a write would succeed now, and leaves the file as it was. */
  async probe(nextSeq: number): Promise<void> {
    if (this.#dirty) await this.#repair();
    if (this.#full || this.isOld()) await this.#rotate(nextSeq);
    await this.#write(probeBytes);
    await this.#repair();
  }

  /** Closes the file even when its last bytes cannot be made safe, and rejects then. */
  async close(): Promise<void> {
    try {
      if (this.#dirty) await this.#repair();
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }

  /** The first `from` bytes are written. */
  async #write(bytes: Uint8Array, from = 0): Promise<void> {
    this.#dirty = true;
    for (let rest = bytes.subarray(from); rest.length > 0; ) {
      const written = await this.#file.append(rest);
      if (written <= 0) throw new Error("the file takes no more bytes");
      rest = rest.subarray(written);
    }
    if (this.#options.durability === "fsync") await this.#file.sync();
    await this.#confirm(this.#length + bytes.length);
  }

  async #repair(): Promise<void> {
    // Only a restart, which reads the file, can find out where to go on; cutting it could delete what is not ours.
    if (this.#foreign) throw this.#foreign;
    if ((await this.#file.size()) < this.#length) await this.#confirm(this.#length);
    await this.#file.truncate(this.#length);
    await this.#confirm(this.#length);
    this.#dirty = false;
  }

  async #confirm(length: number): Promise<void> {
    try {
      await this.#file.confirm(length);
    } catch (error) {
      throw this.#noted(error);
    }
  }

  #noted(error: unknown): unknown {
    if (error instanceof ForeignChange) this.#foreign = error;
    return error;
  }

  async #rotate(firstSeq: number): Promise<void> {
    const { folder, openSegment } = this.#options;
    await this.#file.sync();
    const next = await openSegment(join(folder, segmentFor(firstSeq)));
    try {
      await next.confirm(0);
      await syncFolder(folder);
    } catch (error) {
      await next.close();
      throw error;
    }
    const [full, path] = [this.#file, this.#path];
    this.#file = next;
    this.#path = join(folder, segmentFor(firstSeq));
    this.#length = 0;
    this.#begunMs = null;
    this.#full = false;
    try {
      await full.close();
    } finally {
      this.#options.onFinished(path);
    }
  }

  /** True when the segment has records, the first of which was written too long ago to go on with it. */
  isOld(): boolean {
    const now = this.#options.now();
    // A clock that was set back would else keep the segment open for as long as it was ahead.
    if (this.#begunMs !== null) this.#begunMs = Math.min(this.#begunMs, now);
    return this.endsAtMs !== null && now >= this.endsAtMs;
  }
}
