import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { headsSuffix } from "./heads.js";

/** A segment is named by the `seq` of its first record, in digits enough that names sort as numbers do. */
const segmentName = /^(\d{16})\.jsonl$/;

/** Folder of a worker's chain: `w<worker>-<ULID>`. */
const writerName = /^w([1-9]\d*)-[0-9A-HJKMNP-TV-Z]{26}$/;

/** File name of the segment that starts with this record. */
export function segmentFor(firstSeq: number): string {
  return `${String(firstSeq).padStart(16, "0")}.jsonl`;
}

/** The `seq` that a segment's name promises; `null` for a file that is no segment. */
export function firstSeqOf(file: string): number | null {
  const match = segmentName.exec(file);
  return match === null ? null : Number(match[1]);
}

/** File names of the segments in a writer's folder, oldest first. */
export async function segmentsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => firstSeqOf(name) !== null).sort();
}

/** Paths of the segments of a writer's folder to which nothing is added any more, oldest first: all but the newest. */
export async function finishedSegments(folder: string): Promise<string[]> {
  return (await segmentsIn(folder)).slice(0, -1).map((name) => join(folder, name));
}

/** True for a name that a worker's chain can have. */
export function isWriterName(name: string): boolean {
  return writerName.test(name);
}

/** Number of the worker whose chain has this name; `null` for another name. */
export function workerNumber(name: string): number | null {
  const number = writerName.exec(name)?.[1];
  return number === undefined ? null : Number(number);
}

/** Writers of a worker that have a folder in the audit directory. */
export async function writersOf(dir: string, worker: number): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && isOf(worker, entry.name)).map((entry) => entry.name);
}

/** Writers of which a statement of heads lies in the audit directory, of one worker or of all, by name. */
export async function statedWriters(dir: string, worker?: number): Promise<string[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith(headsSuffix));
  const writers = names.map((name) => name.slice(0, -headsSuffix.length)).filter(isWriterName);
  return writers.filter((name) => worker === undefined || isOf(worker, name)).sort();
}

function isOf(worker: number, writer: string): boolean {
  return workerNumber(writer) === worker;
}

/** Paths of everything in a folder that holds or claims to hold records, oldest first. */
export async function recordFilesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const named = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith(".jsonl"));
  const paths = named.map((entry) => join(folder, entry.name)).sort();
  const kept = await Promise.all(paths.map(mayBeRead));
  return paths.filter((_, i) => kept[i]);
}

/** False for a pipe or a device, also behind a link: reading it may never end, and no record was ever written to one. */
async function mayBeRead(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    // Who reads it says what is wrong with it.
    return true;
  }
}
