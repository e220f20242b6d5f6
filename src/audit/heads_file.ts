import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { VerifyKey } from "../keys/keys.js";
import { type HeadsStatement, headsSuffix, maxHeadsBytes, readHeads } from "./heads.js";
import { AuditUnavailable } from "./record.js";
import type { Head } from "./recovery.js";
import { syncFolder } from "./segment_file.js";
import { statedWriters } from "./segments.js";
import { BrokenRecord } from "./signed.js";

/** File of a writer's newest statement, beside its folder. */
function headsPath(dir: string, writer: string): string {
  return join(dir, `${writer}${headsSuffix}`);
}

/** Puts a statement in place of the one before, so that after a loss of power one of the two is there whole. */
export async function writeHeads(dir: string, writer: string, line: string): Promise<void> {
  const path = headsPath(dir, writer);
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    const handle = await open(partial, "wx", 0o640);
    try {
      await handle.writeFile(`${line}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
    await syncFolder(dir);
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * What a writer last stated; `null` when there is no such file. Throws `BrokenRecord` when the file is not what that writer
 * signed with one of the keys, and the system's error when it cannot be read.
 */
async function statedBy(dir: string, writer: string, keys: readonly VerifyKey[]): Promise<HeadsStatement | null> {
  const bytes = await bytesOf(headsPath(dir, writer));
  if (bytes === null) return null;
  if (bytes.at(-1) !== 0x0a) throw new BrokenRecord("does not end with a newline");
  const statement = readHeads(bytes.subarray(0, -1), keys);
  if (statement.writer !== writer) throw new BrokenRecord("is another writer's");
  return statement;
}

async function bytesOf(path: string): Promise<Buffer | null> {
  try {
    const found = await stat(path);
    // Reading a pipe would wait for somebody who writes, and what is stated meanwhile with it.
    if (!found.isFile()) throw new BrokenRecord("is no file");
    if (found.size > maxHeadsBytes + 1) throw new BrokenRecord("is larger than a statement can be");
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const wayOut =
  'Put back what is missing, from the archive for example ("countersign audit fetch"), and check it with ' +
  '"countersign audit verify"; when it is lost for good, move the writer\'s folder and its .heads file away together, ' +
  "and a new chain begins";

/**
 * Throws `AuditUnavailable` when a chain of this worker was stated and its folder is gone: then records are missing, and
 * a new chain would hide it. `writers` are those whose folders are there.
 */
export async function checkNoneMissing(dir: string, worker: number, writers: readonly string[]): Promise<void> {
  const missing = (await statedWriters(dir, worker)).find((writer) => !writers.includes(writer));
  if (missing === undefined) return;
  const [path, folder] = [headsPath(dir, missing), join(dir, missing)];
  throw new AuditUnavailable(`${path} tells of records, and their folder ${folder} is missing. ${wayOut}`);
}

/**
 * Compares the end of a chain with what its writer last stated, and gives the statement. Throws `AuditUnavailable` when the
 * chain ends before that, or otherwise, or when the statement cannot be trusted.
 */
export async function checkAgainstStated(
  dir: string,
  writer: string,
  head: Head,
  keys: readonly VerifyKey[],
): Promise<HeadsStatement | null> {
  const path = headsPath(dir, writer);
  const statement = await statedBy(dir, writer, keys).catch((cause: unknown) => {
    if (!(cause instanceof BrokenRecord)) throw cause;
    throw new AuditUnavailable(
      `${path} ${cause.message}. If the audit key was changed, name the one before in audit.accepted_keys; else ` +
        "somebody else wrote it: find out who, compare the chain with a copy of its heads kept elsewhere, and move the file away",
      { cause },
    );
  });
  const own = statement?.heads.find((one) => one.writer === writer);
  if (own === undefined) return statement;
  const folder = join(dir, writer);
  if (head.seq < own.seq) {
    throw new AuditUnavailable(
      `the chain in ${folder} ends with record ${head.seq}, and ${path} tells of record ${own.seq}: ` +
        `the newest records are missing. ${wayOut}`,
    );
  }
  if (head.seq === own.seq && head.link !== own.link) {
    throw new AuditUnavailable(`record ${head.seq} in ${folder} is not the one that ${path} tells of. ${wayOut}`);
  }
  return statement;
}

/**
 * The heads that other writers of a directory stated, and what `known` statements said of writers that are not there any
 * more: of each the farthest. `broken` is told of statements that cannot be trusted, which are left out.
 */
export async function headsOfOthers(
  dir: string,
  writer: string,
  keys: readonly VerifyKey[],
  { known, broken }: { known: HeadsStatement["heads"]; broken: (message: string) => void },
): Promise<HeadsStatement["heads"]> {
  const farthest = new Map(known.map((head) => [head.writer, head]));
  for (const other of await statedWriters(dir)) {
    if (other === writer) continue;
    try {
      for (const head of (await statedBy(dir, other, keys))?.heads ?? []) {
        if (head.seq > (farthest.get(head.writer)?.seq ?? 0)) farthest.set(head.writer, head);
      }
    } catch (error) {
      // Whatever is wrong with another writer's file must not keep this one from stating its own.
      const why = error instanceof BrokenRecord ? error.message : `cannot be read (${(error as Error).message})`;
      broken(`${headsPath(dir, other)} ${why}; it is left out of the heads`);
    }
  }
  farthest.delete(writer);
  return [...farthest.values()];
}
