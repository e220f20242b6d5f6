import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { headsSuffix } from "../audit/heads.js";
import { writeWhole } from "../history/place.js";
import type { Archived, BucketArchive } from "./bucket_archive.js";
import { fileHash } from "./file_hash.js";

/** What was fetched. */
export interface Fetched {
  segments: number;
  heads: number;
  /** Of those, how many were there already. */
  there: number;
}

/** A file that is there holds other bytes than the archive. It was left as it is. */
export class OtherBytes extends Error {
  override readonly name = "OtherBytes";
}

/**
 * Copies segments and statements of heads into the layout of an audit directory: `<writer>/<segment>`, beside them each statement,
 * and the newest of each writer as `<writer>.heads`. A file appears whole or not at all; one with other bytes is never overwritten.
 *
 * @param done told the bytes of each object once it was dealt with
 */
export async function fetchArchive(
  archive: BucketArchive,
  dir: string,
  done: (bytes: number) => void = () => undefined,
): Promise<Fetched> {
  const fetched: Fetched = { segments: 0, heads: 0, there: 0 };
  for (const object of [...archive.segments, ...archive.heads]) {
    const isNew = await fetchObject(archive, object, join(dir, object.writer, object.name));
    fetched[object.kind === "segment" ? "segments" : "heads"] += 1;
    if (!isNew) fetched.there += 1;
    done(object.bytes);
  }
  await newestHeads(archive, dir);
  return fetched;
}

/** False when the same bytes were there already. */
async function fetchObject(archive: BucketArchive, object: Archived, path: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  const there = await hashIfThere(path);
  if (there !== null) {
    if (there === (await archive.sha256(object))) return false;
    throw new OtherBytes(`${path} holds other bytes than ${object.place}`);
  }
  const partial = join(dirname(path), `.${randomUUID()}.partial`);
  try {
    await pipeline(archive.read(object), createWriteStream(partial, { flags: "wx", mode: 0o640, flush: true }));
    // A rename would replace what has come to be there meanwhile; a link fails.
    await link(partial, path);
    return true;
  } finally {
    await rm(partial, { force: true });
  }
}

/** Statements of before may give way to the newest one, what is none of them may not. */
async function newestHeads(archive: BucketArchive, dir: string): Promise<void> {
  const byWriter = new Map<string, Archived[]>();
  for (const object of archive.heads) byWriter.set(object.writer, [...(byWriter.get(object.writer) ?? []), object]);
  for (const [writer, objects] of byWriter) {
    const path = join(dir, `${writer}${headsSuffix}`);
    const newest = objects.at(-1);
    if (newest === undefined) continue;
    const there = await hashIfThere(path);
    let known = there === null;
    for (const { name } of objects) known ||= (await hashIfThere(join(dir, writer, name))) === there;
    if (!known) throw new OtherBytes(`${path} is no statement that is in the archive`);
    await writeWhole(path, await readFile(join(dir, writer, newest.name)));
  }
}

/** SHA-256 in base64; `null` for a file that is not there. */
async function hashIfThere(path: string): Promise<string | null> {
  try {
    return (await fileHash(path)).toString("base64");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
