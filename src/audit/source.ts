import type { Line } from "./lines.js";

/** One segment of a chain, wherever it lies. */
export interface SegmentSource {
  /** Name of the file, which promises the `seq` of the first record. */
  name: string;
  /** Where it is, in words that lead there: a path, or `s3://bucket/key`. */
  place: string;
  /** Its lines, one at a time; none is longer in memory than `limit` bytes. Rejects when it cannot be read. */
  lines(limit: number): AsyncIterable<Line>;
}

/** The segments of one writer. */
export interface ChainSource {
  /** Name of the folder, which should be the writer's. */
  writer: string;
  place: string;
  /** True when all of the writer's segments are here, so that record 1 must be among them. */
  whole: boolean;
  /** Oldest first. */
  segments: SegmentSource[];
}

/** A signed statement of heads, not yet read. */
export interface HeadsSource {
  place: string;
  line: Uint8Array;
}

/** A place with records: files, or a bucket. */
export interface RecordSource {
  /** True when only some of the writers were asked for, so that the others are not missed. Default false. */
  partial?: boolean;
  chains(): Promise<ChainSource[]>;
  /** Every statement of heads that is kept there. */
  heads(): AsyncIterable<HeadsSource>;
  /** What is wrong with the place itself, such as an object without a lock. Complete once all else has been read. */
  problems(): { place: string; message: string }[];
}
