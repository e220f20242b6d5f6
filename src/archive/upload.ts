import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, dirname } from "node:path";
import { maxLineBytes } from "../audit/fit.js";
import { linesOf } from "../audit/lines.js";
import type { Bucket } from "./client.js";
import { ForeignObject } from "./failure.js";
import { fileHash } from "./file_hash.js";
import { headsNameOf, keyOf } from "./keys.js";
import { type Kept, putLocked } from "./put.js";
import { writeReceipt } from "./receipt.js";
import type { WaitingSegment } from "./spool.js";

export interface UploadOptions {
  /** Milliseconds for which nobody can delete what is put. */
  retentionMs: number;
  now: () => number;
  signal: AbortSignal;
}

/** Puts a finished segment into the archive and notes that it is there. Throws as `putLocked` does. */
export async function uploadSegment(
  bucket: Bucket,
  { path, bytes }: WaitingSegment,
  { retentionMs, now, signal }: UploadOptions,
): Promise<void> {
  const writer = basename(dirname(path));
  const key = keyOf(bucket.place.prefix, { day: await dayOf(path), writer, name: basename(path) });
  const sha256 = await fileHash(path);
  // One handle at a time, and no more than was hashed: a file that grew would not fit its checksum.
  const body = () => createReadStream(path, { end: bytes - 1 });
  const kept = await putLocked(
    bucket,
    {
      key,
      contentType: "application/x-ndjson",
      length: bytes,
      sha256: sha256.toString("base64"),
      body,
      retainUntil: new Date(now() + retentionMs),
    },
    signal,
  );
  await writeReceipt(path, kept, { place: bucket.place, sha256: sha256.toString("hex"), atMs: now() });
}

/** A signed statement of heads, and what of it says where it belongs. */
export interface WaitingHeads {
  line: string;
  writer: string;
  timestamp: string;
}

/** Reads the line of a statement, without its newline. `null` for one that is none. */
export function headsOf(line: string): WaitingHeads | null {
  const { writer, timestamp } = objectOf(line);
  if (typeof writer !== "string" || typeof timestamp !== "string" || Number.isNaN(Date.parse(timestamp))) return null;
  return { line, writer, timestamp };
}

/** Puts a statement of heads into the archive. Throws as `putLocked` does. */
export function uploadHeads(
  bucket: Bucket,
  { line, writer, timestamp }: WaitingHeads,
  { retentionMs, now, signal }: UploadOptions,
): Promise<Kept> {
  const content = Buffer.from(`${line}\n`);
  const day = new Date(timestamp).toISOString().slice(0, 10);
  return putLocked(
    bucket,
    {
      key: keyOf(bucket.place.prefix, { day, writer, name: headsNameOf(timestamp) }),
      contentType: "application/json",
      length: content.length,
      sha256: createHash("sha256").update(content).digest("base64"),
      body: () => content,
      retainUntil: new Date(now() + retentionMs),
    },
    signal,
  );
}

/** The UTC day of a segment's first record, `yyyy-mm-dd`. */
async function dayOf(path: string): Promise<string> {
  for await (const { bytes } of linesOf(path, maxLineBytes)) {
    const { timestamp } = objectOf(Buffer.from(bytes).toString("utf8"));
    if (typeof timestamp !== "string" || Number.isNaN(Date.parse(timestamp))) break;
    return new Date(timestamp).toISOString().slice(0, 10);
  }
  throw new ForeignObject(`${path} does not begin with a record: check it with "countersign audit verify"`);
}

function objectOf(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line)) as Record<string, unknown>;
  } catch {
    return {};
  }
}
