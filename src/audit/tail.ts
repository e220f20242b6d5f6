import { join } from "node:path";
import { ForeignChange, type OpenSegment, type SegmentFile, syncFolder } from "./segment_file.js";
import { segmentFor } from "./segments.js";

export interface TailOptions {
  folder: string;
  /** `write`: the operating system has the bytes. `fsync`: the disk has them. */
  durability: "write" | "fsync";
  /** A segment is closed when the next batch would take it beyond this. */
  maxSegmentBytes: number;
  openSegment: OpenSegment;
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
  /** Bytes of the segment that are known to be good. */
  #length: number;
  #dirty = false;
  /** Stays on until the next segment is open: a segment that was begun must get the record its name promises. */
  #full = false;
  #foreign: ForeignChange | null = null;

  private constructor(options: TailOptions, file: SegmentFile, length: number) {
    this.#options = options;
    this.#file = file;
    this.#length = length;
  }

  /** Goes on after the first `length` bytes of a segment. */
  static async open(options: TailOptions, segment: string, length: number): Promise<Tail> {
    const file = await options.openSegment(join(options.folder, segment));
    await file.confirm(length);
    await syncFolder(options.folder);
    return new Tail(options, file, length);
  }

  /** Appends whole lines, the first of which is record `firstSeq`: all of them, or none as far as readers will see. */
  async append(lines: Uint8Array, firstSeq: number): Promise<void> {
    if (this.#dirty) await this.#repair();
    this.#full ||= this.#length > 0 && this.#length + lines.length > this.#options.maxSegmentBytes;
    if (this.#full) await this.#rotate(firstSeq);
    try {
      await this.#write(lines);
    } catch (error) {
      // At once, so that nobody who verifies meanwhile finds half a line; what fails here is done before the next write.
      await this.#repair().catch(() => undefined);
      throw error;
    }
    this.#length += lines.length;
    this.#dirty = false;
  }

  /** Finds out whether a write would succeed now, and leaves the file as it was. */
  async probe(): Promise<void> {
    if (this.#dirty) await this.#repair();
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

  async #write(bytes: Uint8Array): Promise<void> {
    this.#dirty = true;
    for (let rest = bytes; rest.length > 0; ) {
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
      if (error instanceof ForeignChange) this.#foreign = error;
      throw error;
    }
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
    const full = this.#file;
    this.#file = next;
    this.#length = 0;
    this.#full = false;
    await full.close();
  }
}
