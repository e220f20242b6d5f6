import { open } from "node:fs/promises";
import { maxLineBytes } from "../audit/fit.js";
import { linesOf } from "../audit/lines.js";
import type { Segment } from "./chains.js";
import { linesBefore } from "./lines_backward.js";
import { readRecord } from "./readable.js";

/** When the first and the last record of a segment are from, in milliseconds since 1970. */
export interface Times {
  firstMs: number;
  lastMs: number;
}

/** Finished segments whose times are remembered; they do not change any more. */
const most = 50_000;

/**
 * Times of segments, so that a search for a span of time need not read all of them. `null` for a segment that is empty, or
 * whose first or last line holds no record: such a one is read whole.
 */
export class SegmentTimes {
  readonly #known = new Map<string, Times>();

  /** Told of what is read of the disk, in bytes. */
  async of({ path, newest }: Segment, read: (bytes: number) => void): Promise<Times | null> {
    const known = this.#known.get(path);
    if (known) return known;
    const [firstMs, lastMs] = [await firstOf(path, read), newest ? Number.POSITIVE_INFINITY : await lastOf(path, read)];
    if (firstMs === null || lastMs === null) return null;
    if (!newest) {
      if (this.#known.size >= most) this.#known.clear();
      this.#known.set(path, { firstMs, lastMs });
    }
    return { firstMs, lastMs };
  }
}

async function firstOf(path: string, read: (bytes: number) => void): Promise<number | null> {
  for await (const { bytes, terminated, tooLong } of linesOf(path, maxLineBytes)) {
    read(bytes.length);
    return terminated && !tooLong ? timeOf(Buffer.from(bytes)) : null;
  }
  return null;
}

const endBytes = 65_536;

async function lastOf(path: string, read: (bytes: number) => void): Promise<number | null> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    for await (const { lines } of linesBefore(file, size, { blockBytes: endBytes, limit: maxLineBytes })) {
      read(endBytes);
      const [last] = lines;
      if (last) return last.terminated && !last.tooLong ? timeOf(last.bytes) : null;
    }
    return null;
  } finally {
    await file.close();
  }
}

function timeOf(line: Buffer): number | null {
  const record = readRecord(line);
  return record && Date.parse(record.timestamp);
}
