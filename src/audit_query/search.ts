import { open } from "node:fs/promises";
import { type Chain, chainsIn } from "./chains.js";
import { type Filter, matches, needlesOf } from "./filter.js";
import { Merge, type Positions } from "./merge.js";
import type { AuditRecord } from "./readable.js";
import { SegmentTimes } from "./segment_times.js";
import type { Budget, Found, Unreadable } from "./walk.js";

export type { Positions } from "./merge.js";
export { BadPosition, type Found } from "./walk.js";

/** A line in which no record stands, by the file that holds it. */
export interface UnreadableLine {
  writer: string;
  /** Name of the file in the writer's folder. */
  file: string;
  /** From 1. */
  line: number;
}

export interface SearchOptions {
  /** Further lines are not read, in bytes. Default: all are. */
  scanBytes?: number;
  /** How much is read at a time. Default 512 KiB. */
  blockBytes?: number;
  times?: SegmentTimes;
  positions?: Positions | null;
}

/** Which lines and records a search is for, where a filter alone cannot say it. */
export interface Wanted {
  wants(line: Buffer): boolean;
  accepts(record: AuditRecord): boolean;
  fromMs?: number;
  toMs?: number;
}

/** What a filter asks for, of lines and of records. */
export function wantedBy(filter: Filter): Wanted {
  const needles = needlesOf(filter);
  const { fromMs, toMs } = filter;
  return {
    wants: (line) => needles.every((needle) => line.includes(needle)),
    accepts: (record) => matches(filter, record),
    ...(fromMs !== undefined && { fromMs }),
    ...(toMs !== undefined && { toMs }),
  };
}

/** Lines without a record that one search names; it ends when there are more. */
const mostUnreadable = 100;

/** A search through the records of some chains, newest first, that can be ended and gone on with at any record. */
export class Search {
  readonly #merge: Merge;
  readonly #budget: Budget;
  readonly #unreadable: Unreadable[] = [];

  /** Throws `BadPosition` for positions that are none of these chains. */
  constructor(chains: readonly Chain[], wanted: Wanted, options: SearchOptions = {}) {
    const { scanBytes = Number.POSITIVE_INFINITY, blockBytes = 524_288, positions = null } = options;
    this.#budget = { left: scanBytes };
    this.#merge = new Merge(chains, positions, {
      ...wanted,
      fromMs: wanted.fromMs ?? Number.NEGATIVE_INFINITY,
      toMs: wanted.toMs ?? Number.POSITIVE_INFINITY,
      times: options.times ?? new SegmentTimes(),
      blockBytes,
      budget: this.#budget,
      unreadable: (at) => {
        this.#unreadable.push(at);
        if (this.#unreadable.length >= mostUnreadable && Number.isFinite(scanBytes)) this.#budget.left = 0;
      },
    });
  }

  /** Searches below these paths. Rejects with the system's error when one cannot be read. */
  static async in(paths: readonly string[], wanted: Wanted, options: SearchOptions = {}): Promise<Search> {
    return new Search(await chainsIn(paths), wanted, options);
  }

  /** The next record without taking it; `null` at the end, and when as much was read as may be. */
  peek(): Promise<Found | null> {
    return this.#merge.peek();
  }

  take(): void {
    this.#merge.take();
  }

  /** All records that are left, as far as may be read. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Found> {
    try {
      for (let found = await this.peek(); found; found = await this.peek()) {
        this.take();
        yield found;
      }
    } finally {
      await this.close();
    }
  }

  /** True when it ended because as much was read as may be. */
  get paused(): boolean {
    return this.#merge.paused;
  }

  /** Where another search goes on; `null` when nothing is left. */
  positions(): Positions | null {
    return this.#merge.positions();
  }

  /** The lines so far that hold no record, at most a few thousand of them. */
  async unreadable(): Promise<UnreadableLine[]> {
    return numbered(this.#unreadable.slice(0, 1_000));
  }

  close(): Promise<void> {
    return this.#merge.close();
  }
}

/** Finds out which lines they are, by one reading of each file. */
async function numbered(found: readonly Unreadable[]): Promise<UnreadableLine[]> {
  const told: UnreadableLine[] = [];
  for (const path of new Set(found.map(({ segment }) => segment.path))) {
    const here = found.filter(({ segment }) => segment.path === path).sort((a, b) => a.start - b.start);
    const lines = await linesAt(
      path,
      here.map(({ start }) => start),
    );
    told.push(...here.map(({ writer, segment }, i) => ({ writer, file: segment.name, line: lines[i] ?? 0 })));
  }
  return told;
}

/** Numbers of the lines that begin at these offsets, which are in order. */
async function linesAt(path: string, offsets: readonly number[]): Promise<number[]> {
  const file = await open(path, "r");
  const numbers: number[] = [];
  try {
    const block = Buffer.alloc(524_288);
    let [done, line] = [0, 1];
    while (numbers.length < offsets.length) {
      const { bytesRead } = await file.read(block, 0, block.length, done);
      let at = 0;
      const passed = (to: number): void => {
        for (let next = block.indexOf(0x0a, at); next >= 0 && next < to; next = block.indexOf(0x0a, next + 1)) {
          line += 1;
          at = next + 1;
        }
      };
      for (
        let due = offsets[numbers.length];
        due !== undefined && due <= done + bytesRead;
        due = offsets[numbers.length]
      ) {
        passed(due - done);
        numbers.push(line);
      }
      if (bytesRead === 0) break;
      passed(bytesRead);
      done += bytesRead;
    }
    return numbers;
  } finally {
    await file.close();
  }
}
