import { type FileHandle, open } from "node:fs/promises";
import { maxLineBytes } from "../audit/fit.js";
import { readRange } from "../audit/read_range.js";
import type { Chain, Segment } from "./chains.js";
import { type BackLine, linesBefore } from "./lines_backward.js";
import { type AuditRecord, looksWhole, readRecord } from "./readable.js";
import type { SegmentTimes } from "./segment_times.js";

/** A record that was found, and where it stands. */
export interface Found {
  record: AuditRecord;
  /** Its line without the newline. */
  line: Buffer;
  writer: string;
  segment: Segment;
  /** Offset of the line. */
  start: number;
}

/** A line that holds no record. */
export interface Unreadable {
  writer: string;
  segment: Segment;
  start: number;
}

/** How far a chain was read: what stands before this offset of this file, and all older files, were not. */
export interface Position {
  segment: string;
  offset: number;
}

/** A position is none of this chain: it was made up, or its file is gone. */
export class BadPosition extends Error {
  override readonly name = "BadPosition";
}

/** What a search looks for in each chain, and how much it may read. */
export interface WalkOptions {
  /** True for a line that may hold what is looked for; it is then parsed. */
  wants(line: Buffer): boolean;
  accepts(record: AuditRecord): boolean;
  /** Records that are wanted are from this span; segments outside it are not read. */
  fromMs: number;
  toMs: number;
  times: SegmentTimes;
  blockBytes: number;
  budget: Budget;
  unreadable(at: Unreadable): void;
}

/** What is left to be read, in bytes. Shared by the walks of one search. */
export interface Budget {
  left: number;
}

/**
 * How far timestamps of one chain may be out of order, in milliseconds: a record is from when its call came, and a clock
 * can be set back. Records that are further out of place can be missed by a search for a span of time.
 */
export const slackMs = 3_600_000;

/**
 * So many segments in a row that end before the span end the search of a chain. One or a few may be of a time when the clock was
 * wrong, as before it is set after a start, and must not hide what is older and within the span.
 */
const mostBefore = 96;

/** One chain, newest record first. */
export class Walk {
  readonly #chain: Chain;
  readonly #options: WalkOptions;
  /** Index of the segment that is read; -1 = all were. */
  #at: number;
  /** Where reading goes on in it; `null` = at its end. */
  #offset: number | null;
  #file: FileHandle | null = null;
  #blocks: ReturnType<typeof linesBefore> | null = null;
  #lines: BackLine[] = [];
  #blockFrom = 0;
  /** True once a position lies behind where this walk began: a search that only goes on from cursors must come to an end. */
  #moved = false;
  /** Segments in a row that end before the span. */
  #before = 0;

  constructor(chain: Chain, from: Position | null, options: WalkOptions) {
    this.#chain = chain;
    this.#options = options;
    const { segments } = chain;
    this.#at = from === null ? segments.length - 1 : segments.findIndex(({ name }) => name === from.segment);
    if (from !== null && this.#at < 0) throw new BadPosition("the records that it leads to are no longer there");
    this.#offset = from?.offset ?? null;
  }

  /** The next record that is wanted; `null` at the end of the chain; `"paused"` when the budget is used up. */
  async next(): Promise<Found | null | "paused"> {
    for (let segment = this.#segment(); segment; segment = this.#segment()) {
      const found = this.#inBlock(segment);
      if (found) return found;
      if (this.#options.budget.left <= 0 && this.#moved) return "paused";
      if (!this.#blocks && !(await this.#enter(segment))) continue;
      await this.#nextBlock();
    }
    return null;
  }

  /** Where another walk would go on; `null` when the chain was read to its end. */
  position(): Position | null {
    const segment = this.#segment();
    if (this.#at === 0 && this.#offset === 0) return null;
    return segment ? { segment: segment.name, offset: this.#offset ?? -1 } : null;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    this.#blocks = null;
    await file?.close();
  }

  #segment(): Segment | undefined {
    return this.#at < 0 ? undefined : this.#chain.segments[this.#at];
  }

  #inBlock(segment: Segment): Found | null {
    for (let line = this.#lines.shift(); line; line = this.#lines.shift()) {
      this.#offset = line.start;
      this.#moved = true;
      const found = this.#judge(line, segment);
      if (found) return found;
    }
    return null;
  }

  #judge({ bytes, start, terminated, tooLong }: BackLine, segment: Segment): Found | null {
    const { wants, accepts, unreadable } = this.#options;
    const { writer } = this.#chain;
    // A server may be writing it, and no answer depends on it yet.
    if (!terminated && segment.newest) return null;
    const whole = terminated && !tooLong;
    if (whole && !wants(bytes) && looksWhole(bytes)) return null;
    const record = whole ? readRecord(bytes) : null;
    if (record === null) unreadable({ writer, segment, start });
    return record && accepts(record) ? { record, line: bytes, writer, segment, start } : null;
  }

  /** Opens the segment; false when it is passed over. */
  async #enter(segment: Segment): Promise<boolean> {
    const { fromMs, toMs, times, budget, blockBytes } = this.#options;
    if (Number.isFinite(fromMs) || Number.isFinite(toMs)) {
      const known = await times.of(segment, (bytes) => {
        budget.left -= bytes;
      });
      if (known && known.lastMs + slackMs < fromMs) return this.#leave(++this.#before < mostBefore ? this.#at - 1 : -1);
      this.#before = 0;
      if (known && known.firstMs - slackMs >= toMs) return this.#leave(this.#at - 1);
    }
    this.#file = await open(segment.path, "r");
    const { size } = await this.#file.stat();
    const end = this.#offset === null || this.#offset < 0 ? size : this.#offset;
    await confirmBoundary(this.#file, end, size);
    this.#blocks = linesBefore(this.#file, end, { blockBytes, limit: maxLineBytes });
    this.#blockFrom = end;
    return true;
  }

  async #nextBlock(): Promise<void> {
    const next = await this.#blocks?.next();
    if (!next || next.done) {
      await this.close();
      this.#leave(this.#at - 1);
      return;
    }
    this.#options.budget.left -= this.#blockFrom - next.value.from;
    this.#blockFrom = next.value.from;
    this.#lines = next.value.lines;
  }

  #leave(at: number): false {
    this.#at = at;
    this.#offset = null;
    this.#moved = true;
    return false;
  }
}

async function confirmBoundary(file: FileHandle, end: number, size: number): Promise<void> {
  if (end === size || end === 0) return;
  const before = end < size ? await readRange(file, end - 1, end) : null;
  if (before?.[0] !== 0x0a) throw new BadPosition("no record begins where it leads to");
}
