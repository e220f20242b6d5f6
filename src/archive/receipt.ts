import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeWhole } from "../history/place.js";
import type { BucketPlace } from "./client.js";
import { within } from "./keys.js";
import type { Kept } from "./put.js";

/** Follows a segment's name in the file that says where in the archive it is. */
const receiptSuffix = ".receipt";

const form = z.looseObject({ bucket: z.string(), endpoint: z.string().nullable(), key: z.string() });

/** Notes that a segment is in the archive. The file appears whole or not at all. */
export async function writeReceipt(
  segment: string,
  { key, versionId, retainUntil }: Kept,
  { place, sha256, atMs }: { place: BucketPlace; sha256: string; atMs: number },
): Promise<void> {
  const receipt = {
    bucket: place.bucket,
    endpoint: place.endpoint ?? null,
    key,
    version_id: versionId,
    sha256,
    retain_until: retainUntil.toISOString(),
    at: new Date(atMs).toISOString(),
  };
  await writeWhole(`${segment}${receiptSuffix}`, `${JSON.stringify(receipt)}\n`);
}

/**
 * True when the receipt beside a segment says that it is in this bucket, below this prefix. One for another place, or one that
 * cannot be read, is none: what is there already is found out at the upload.
 */
export async function hasReceipt(segment: string, place: BucketPlace): Promise<boolean> {
  const text = await readFile(`${segment}${receiptSuffix}`, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return false;
  try {
    const { bucket, endpoint, key } = form.parse(JSON.parse(text));
    return bucket === place.bucket && endpoint === (place.endpoint ?? null) && key.startsWith(within(place.prefix, ""));
  } catch {
    return false;
  }
}
