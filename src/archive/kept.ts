import type { GetObjectRetentionCommandOutput, HeadObjectCommandOutput } from "@aws-sdk/client-s3";
import type { Bucket } from "./client.js";
import { isRefusal, statusOf } from "./failure.js";

/** What a server says of a version that it keeps. */
export interface KeptVersion {
  /** SHA-256 in base64; `null` when none is kept with it. */
  sha256: string | null;
  /** Until when nobody can delete it or shorten that; `null` without a COMPLIANCE lock. */
  lockedUntil: Date | null;
}

/** Asks for one version of an object. Rejects with the library's error. */
export async function keptVersion(
  { s3, place }: Bucket,
  { key, versionId }: { key: string; versionId: string },
  signal?: AbortSignal,
): Promise<KeptVersion> {
  const version = { Bucket: place.bucket, Key: key, VersionId: versionId };
  const options = signal ? { abortSignal: signal } : {};
  const head = await s3.headObject({ ...version, ChecksumMode: "ENABLED" }, options);
  // Some servers tell of the lock here only while the version is the newest.
  const lock = head.ObjectLockMode
    ? headLock(head)
    : await s3.getObjectRetention(version, options).then(retention, none);
  return { sha256: head.ChecksumSHA256 ?? null, lockedUntil: lock.mode === "COMPLIANCE" ? (lock.until ?? null) : null };
}

interface Lock {
  mode?: string | undefined;
  until?: Date | undefined;
}

function headLock(head: HeadObjectCommandOutput): Lock {
  return { mode: head.ObjectLockMode, until: head.ObjectLockRetainUntilDate };
}

function retention({ Retention }: GetObjectRetentionCommandOutput): Lock {
  return { mode: Retention?.Mode, until: Retention?.RetainUntilDate };
}

/** An object without a lock has no retention to tell of: S3 answers 404, some servers 400. */
function none(error: unknown): Lock {
  if (isRefusal(error) && [400, 404].includes(statusOf(error) ?? 0)) return {};
  throw error;
}
