import { Readable } from "node:stream";
import { type Bucket, placeOf } from "./client.js";
import { ForeignObject, statusOf } from "./failure.js";
import { keptVersion } from "./kept.js";
import { versionsOf } from "./versions.js";

/** What is put into the archive. */
export interface LockedObject {
  key: string;
  contentType: string;
  /** Length in bytes. */
  length: number;
  /** SHA-256 of the bytes, in base64 as S3 writes it. */
  sha256: string;
  /** Gives the bytes, anew at each call. */
  body(): Readable | Uint8Array;
  retainUntil: Date;
}

/** An object that lies in the archive. */
export interface Kept {
  key: string;
  versionId: string;
  retainUntil: Date;
}

/** What a lock may be shorter than asked for: servers keep whole seconds. */
const roundedMs = 1_000;

/**
 * Puts an object under a COMPLIANCE lock, unless the same bytes lie under that key already: then what lies there counts, and
 * its lock is lengthened where it would end sooner. Throws `ForeignObject` when other bytes do, or the same without a lock, and else the library's error.
 */
export async function putLocked(bucket: Bucket, object: LockedObject, signal: AbortSignal): Promise<Kept> {
  try {
    return await put(bucket, object, signal, "*");
  } catch (error) {
    if (statusOf(error) === 412) return alreadyThere(bucket, object, signal);
    // A server that does not know the condition says so, and is then asked what lies there.
    if (statusOf(error) !== 501) throw error;
    const there = await versionsOf(bucket, object.key, signal);
    return there.length === 0 ? put(bucket, object, signal) : alreadyThere(bucket, object, signal);
  }
}

async function put(bucket: Bucket, object: LockedObject, signal: AbortSignal, ifNoneMatch?: string): Promise<Kept> {
  const { key, contentType, length, sha256, retainUntil } = object;
  const Body = object.body();
  // The library does not listen for it, and a file that cannot be read must not end the process.
  const unread = new AbortController();
  if (Body instanceof Readable) Body.once("error", (error) => unread.abort(error));
  try {
    const { VersionId: versionId } = await bucket.s3.putObject(
      {
        Bucket: bucket.place.bucket,
        Key: key,
        Body,
        ContentLength: length,
        ContentType: contentType,
        ChecksumSHA256: sha256,
        ObjectLockMode: "COMPLIANCE",
        ObjectLockRetainUntilDate: retainUntil,
        ...(ifNoneMatch !== undefined && { IfNoneMatch: ifNoneMatch }),
      },
      { abortSignal: AbortSignal.any([signal, unread.signal]) },
    );
    if (versionId === undefined) throw new ForeignObject(`${placeOf(bucket.place, key)} was put and has no version`);
    return { key, versionId, retainUntil };
  } catch (error) {
    throw unread.signal.aborted ? unread.signal.reason : error;
  } finally {
    if (Body instanceof Readable) Body.destroy();
  }
}

/** The oldest version is the one that was there before anybody could hide it. */
async function alreadyThere(bucket: Bucket, object: LockedObject, signal: AbortSignal): Promise<Kept> {
  const { key, sha256, retainUntil } = object;
  const oldest = (await versionsOf(bucket, key, signal)).at(-1);
  const place = placeOf(bucket.place, key);
  if (oldest === undefined) throw new Error(`${place} is there and is not`);
  const kept = await keptVersion(bucket, oldest, signal);
  if (kept.sha256 !== sha256) throw new ForeignObject(`${place} holds other bytes than the server has to put there`);
  if (kept.lockedUntil === null) throw new ForeignObject(`${place} was put there by somebody else, without a lock`);
  const { versionId } = oldest;
  if (kept.lockedUntil.getTime() >= retainUntil.getTime() - roundedMs) {
    return { key, versionId, retainUntil: kept.lockedUntil };
  }
  await bucket.s3.putObjectRetention(
    {
      Bucket: bucket.place.bucket,
      Key: key,
      VersionId: versionId,
      Retention: { Mode: "COMPLIANCE", RetainUntilDate: retainUntil },
    },
    { abortSignal: signal },
  );
  return { key, versionId, retainUntil };
}
