import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { maxLineBytes } from "./fit.js";
import { faultOfDecision, type RecordedDecision } from "./form.js";
import { type Line, linesOf } from "./lines.js";
import { recordFilesIn } from "./segments.js";

/** A file with records, and how much of it there was when it was found. */
export interface RecordFile {
  path: string;
  bytes: number;
  /** True for the newest of its folder, the only one whose last line may still be being written. */
  newest: boolean;
}

/** One decision, and where it stands. */
export interface ReadDecision {
  file: string;
  /** From 1. */
  line: number;
  record: RecordedDecision;
}

export interface ReadOptions {
  /** Told of the place of a last line that was not finished, which no answer depended on. */
  torn?: (place: string) => void;
  /** Told of the bytes of each line once it was dealt with, its newline counted. */
  done?: (bytes: number) => void;
}

/** A line is no audit record. The message says where and why. */
export class UnreadableRecord extends Error {
  override readonly name = "UnreadableRecord";
}

/**
 * The files with records below some paths, oldest first within a folder. A path is an audit directory, a writer's
 * folder or a single file; each file is there once. Rejects with the system's error when a path cannot be read.
 */
export async function findRecords(paths: readonly string[]): Promise<RecordFile[]> {
  const found = new Map<string, RecordFile>();
  for (const path of paths.map((given) => resolve(given))) {
    const files = (await stat(path)).isDirectory() ? await filesBelow(path) : [path];
    for (const file of files) {
      const { size: bytes } = await stat(file);
      const newest = (await recordFilesIn(dirname(file))).at(-1);
      found.set(file, { path: file, bytes, newest: newest === undefined || newest === file });
    }
  }
  return [...found.values()];
}

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name));
  return (await Promise.all([dir, ...folders.sort()].map(recordFilesIn))).flat();
}

/**
 * The decisions in these files, one at a time; records of other kinds are passed over. Checks the form of each line and
 * neither signatures nor chains. Throws `UnreadableRecord` for a line that is no whole record, except for the last one
 * of the newest file, which a server may be writing.
 */
export async function* readDecisions(
  files: readonly RecordFile[],
  { torn, done }: ReadOptions = {},
): AsyncGenerator<ReadDecision> {
  for (const { path: file, newest } of files) {
    let number = 0;
    for await (const line of linesOf(file, maxLineBytes)) {
      number += 1;
      if (!line.terminated && newest) torn?.(`${file}:${number}`);
      else {
        const record = recordOf(line, `${file}:${number}`);
        if (record !== null) yield { file, line: number, record };
      }
      done?.(line.bytes.length + 1);
    }
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `null` for a record of another kind. */
function recordOf(line: Line, place: string): RecordedDecision | null {
  if (line.tooLong) throw new UnreadableRecord(`${place}: is longer than a record can be`);
  if (!line.terminated) throw new UnreadableRecord(`${place}: does not end with a newline`);
  const value = parsed(line.bytes, place);
  if (typeof value !== "object" || value === null || !("kind" in value) || typeof value.kind !== "string") {
    throw new UnreadableRecord(`${place}: is not an audit record`);
  }
  if (value.kind !== "decision") return null;
  const fault = faultOfDecision(value);
  if (fault !== null) throw new UnreadableRecord(`${place}: ${fault}`);
  return value as RecordedDecision;
}

function parsed(bytes: Uint8Array, place: string): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    throw new UnreadableRecord(`${place}: is not JSON in UTF-8`);
  }
}
