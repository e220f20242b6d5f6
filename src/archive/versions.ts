import { isDeepStrictEqual } from "node:util";
import type { ListObjectVersionsCommandOutput } from "@aws-sdk/client-s3";
import type { Bucket } from "./client.js";

/** One version of an object. */
export interface Version {
  key: string;
  versionId: string;
  bytes: number;
  storedMs: number;
}

/** Everything that a key has had. */
export interface Versions {
  key: string;
  /** Newest first. */
  versions: Version[];
  deleteMarkers: number;
}

/** All versions below a prefix, key by key. Memory grows with the versions of one key only. */
export async function* listVersions(bucket: Bucket, prefix: string, signal?: AbortSignal): AsyncGenerator<Versions> {
  const pending = new Map<string, Versions>();
  const entryOf = (key: string): Versions => {
    const entry = pending.get(key) ?? { key, versions: [], deleteMarkers: 0 };
    pending.set(key, entry);
    return entry;
  };
  const { bucket: Bucket } = bucket.place;
  let markers: { KeyMarker?: string; VersionIdMarker?: string } | null = {};
  while (markers) {
    const asked = { Bucket, Prefix: prefix, ...markers };
    const page: ListObjectVersionsCommandOutput = await (signal
      ? bucket.s3.listObjectVersions(asked, { abortSignal: signal })
      : bucket.s3.listObjectVersions(asked));
    for (const { Key: key, VersionId: versionId = "null", Size: bytes = 0, LastModified } of page.Versions ?? []) {
      if (key !== undefined)
        entryOf(key).versions.push({ key, versionId, bytes, storedMs: LastModified?.getTime() ?? 0 });
    }
    for (const { Key: key } of page.DeleteMarkers ?? []) if (key !== undefined) entryOf(key).deleteMarkers += 1;
    const next = page.IsTruncated && page.NextKeyMarker ? nextOf(page.NextKeyMarker, page.NextVersionIdMarker) : null;
    if (next && isDeepStrictEqual(next, markers)) throw new Error("the server lists the same page of the bucket again");
    markers = next;
    // The last key of a page may go on in the next one.
    const last = markers?.KeyMarker;
    for (const entry of [...pending.values()]) {
      if (entry.key === last) continue;
      pending.delete(entry.key);
      yield entry;
    }
  }
}

function nextOf(KeyMarker: string, version: string | undefined): { KeyMarker: string; VersionIdMarker?: string } {
  return version ? { KeyMarker, VersionIdMarker: version } : { KeyMarker };
}

/** The versions of one key, newest first. */
export async function versionsOf(bucket: Bucket, key: string, signal?: AbortSignal): Promise<Version[]> {
  for await (const entry of listVersions(bucket, key, signal)) if (entry.key === key) return entry.versions;
  return [];
}
