import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { VerifyKey } from "../keys/keys.js";
import { linkTo, readLine } from "./chain.js";
import { maxLineBytes } from "./fit.js";
import { linesOf } from "./lines.js";
import { readRange } from "./read_range.js";
import { AuditUnavailable } from "./record.js";
import { firstSeqOf, segmentFor, segmentsIn } from "./segments.js";
import type { TailStart } from "./tail.js";

/** The last record of a chain. */
export interface Head {
  /** 0 before the first record. */
  seq: number;
  /** `prev` of the record to come. */
  link: string | null;
}

export interface Recovered extends TailStart {
  head: Head;
  /** `kid` of the key that signed the last record; `null` without one. */
  kid: string | null;
}

/**
 * Finds the end of a writer's chain. A line that was not finished, which no answer depended on, is moved into a file
 * of its own beside the segment. Throws `AuditUnavailable` when the last whole line is not one that this writer
 * signed with one of the keys, or when segments are missing: a chain never starts anew where there was one.
 */
export async function recover(folder: string, writer: string, keys: readonly VerifyKey[]): Promise<Recovered> {
  const segments = await segmentsIn(folder);
  const newest = segments.at(-1);
  const ends = await endOfChain(folder, segments);
  const { head, kid } = ends === null ? { head: { seq: 0, link: null }, kid: null } : headOf(ends, writer, keys);
  if (newest !== undefined && ends?.segment === newest) {
    return { head, kid, segment: newest, length: ends.length, begunMs: await begunMs(ends.path) };
  }

  const segment = segmentFor(head.seq + 1);
  if (newest !== undefined && newest !== segment) {
    const path = join(folder, newest);
    throw new AuditUnavailable(`${path} is empty and does not follow record ${head.seq}: earlier segments are missing`);
  }
  return { head, kid, segment, length: 0, begunMs: null };
}

/** When the first record of a segment was written, as it says; of one that does not say it, since ever. */
async function begunMs(path: string): Promise<number> {
  for await (const { bytes } of linesOf(path, maxLineBytes)) {
    try {
      return Date.parse(Object(JSON.parse(Buffer.from(bytes).toString())).timestamp) || 0;
    } catch {
      return 0;
    }
  }
  return 0;
}

interface LastLine {
  segment: string;
  path: string;
  length: number;
  line: Uint8Array;
}

/** The last whole line of the newest segment that has one. */
async function endOfChain(folder: string, segments: readonly string[]): Promise<LastLine | null> {
  for (const segment of segments.toReversed()) {
    const path = join(folder, segment);
    const found = await lastLineOf(path);
    if (found !== null) return { segment, path, ...found };
  }
  return null;
}

function headOf(
  { path, segment, line }: LastLine,
  writer: string,
  keys: readonly VerifyKey[],
): Pick<Recovered, "head" | "kid"> {
  try {
    const record = readLine(line, keys);
    if (record.writer !== writer) throw new Error(`belongs to the writer ${JSON.stringify(record.writer)}`);
    if (record.seq < (firstSeqOf(segment) ?? 0)) throw new Error("is older than the name of its file says");
    return { head: { seq: record.seq, link: linkTo(line) }, kid: record.signature.kid };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AuditUnavailable(
      `the last record of ${path} ${why}. Check it with "countersign audit verify". ` +
        "If the audit key was changed, name the one before in audit.accepted_keys; " +
        "to start a new chain, move the writer's folder and its .heads file away or name another audit.dir",
      { cause },
    );
  }
}

async function lastLineOf(path: string): Promise<{ line: Uint8Array; length: number } | null> {
  const handle = await open(path, "r+");
  try {
    const { size } = await handle.stat();
    const length = await afterLastNewline(handle, size);
    if (length < size) {
      await keepTorn(path, length);
      await handle.truncate(length);
      await handle.sync();
    }
    if (length === 0) return null;
    const start = await afterLastNewline(handle, length - 1);
    const line = await readRange(handle, start, length - 1);
    return { line, length };
  } finally {
    await handle.close();
  }
}

const blockBytes = 65_536;

/** Offset behind the last newline among the first `end` bytes; 0 when there is none. */
async function afterLastNewline(handle: FileHandle, end: number): Promise<number> {
  for (let to = end; to > 0; to -= blockBytes) {
    const from = Math.max(0, to - blockBytes);
    const at = (await readRange(handle, from, to)).lastIndexOf(0x0a);
    if (at >= 0) return from + at + 1;
  }
  return 0;
}

/** Copies what follows `start` into the first free `<segment>.torn-<n>`. */
async function keepTorn(path: string, start: number): Promise<void> {
  for (let n = 1; ; n++) {
    try {
      const torn = createWriteStream(`${path}.torn-${n}`, { flags: "wx", mode: 0o640, flush: true });
      return await pipeline(createReadStream(path, { start }), torn);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
