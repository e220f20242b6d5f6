import { createHash } from "node:crypto";
import { type Bucket, placeOf } from "./client.js";
import { BucketUnfit, cureOf, isRefusal, statusOf, wordsOf } from "./failure.js";
import { keptVersion } from "./kept.js";
import { probeKeyOf } from "./keys.js";

/** How long the object of a probe is locked: long enough for the probe, in milliseconds. */
const lockedMs = 60_000;

/** What `retainUntil` may differ by: servers keep whole seconds. */
const roundedMs = 1_000;

export interface ProbeOptions {
  /** New each time. */
  id: string;
  now: () => number;
  signal: AbortSignal;
}

/**
 * Finds out, by trying, whether the bucket keeps what is put into it: Object Lock and versioning are on, an object is stored
 * under its checksum and lock as asked, and cannot be deleted. Throws `BucketUnfit` when it does not, or when the server
 * refuses what the archive has to do, and the library's error when the server cannot be asked now.
 */
export async function probeBucket(bucket: Bucket, options: ProbeOptions): Promise<void> {
  try {
    await checkSettings(bucket, options.signal);
    await checkObject(bucket, options);
  } catch (error) {
    if (error instanceof BucketUnfit || !isRefusal(error)) throw error;
    const cure = cureOf(error);
    throw unfit(bucket, `cannot be used: ${wordsOf(error)}`, cure ?? "see docs/archive.md", error);
  }
}

async function checkSettings({ s3, place }: Bucket, abortSignal: AbortSignal): Promise<void> {
  const at = { Bucket: place.bucket };
  const lock = await s3.getObjectLockConfiguration(at, { abortSignal }).catch((error: unknown) => {
    if (error instanceof Error && error.name === "ObjectLockConfigurationNotFoundError") return null;
    throw error;
  });
  const how =
    "create a bucket with Object Lock (aws s3api create-bucket --object-lock-enabled-for-bucket) and name that one";
  if (lock?.ObjectLockConfiguration?.ObjectLockEnabled !== "Enabled") {
    throw unfit({ place }, "has no Object Lock, so that anybody with access could delete records", how);
  }
  const { Status } = await s3.getBucketVersioning(at, { abortSignal });
  if (Status !== "Enabled") throw unfit({ place }, "keeps no versions", "switch versioning on");
}

async function checkObject(bucket: Bucket, { id, now, signal: abortSignal }: ProbeOptions): Promise<void> {
  const { s3, place } = bucket;
  const key = probeKeyOf(place.prefix, id);
  const body = Buffer.from(`A probe of Object Lock (${id}).\n`);
  const sha256 = createHash("sha256").update(body).digest("base64");
  const until = new Date(now() + lockedMs);
  const { VersionId } = await s3.putObject(
    {
      Bucket: place.bucket,
      Key: key,
      Body: body,
      ContentType: "text/plain",
      ChecksumSHA256: sha256,
      ObjectLockMode: "COMPLIANCE",
      ObjectLockRetainUntilDate: until,
    },
    { abortSignal },
  );
  const server = "use a server that enforces Object Lock in COMPLIANCE mode";
  if (VersionId === undefined) throw unfit(bucket, "gives an object no version", server);
  const version = { Bucket: place.bucket, Key: key, VersionId };
  if (await deletes(bucket, version, abortSignal)) {
    throw unfit(bucket, `let ${placeOf(place, key)} be deleted although it was locked`, server);
  }
  const kept = await keptVersion(bucket, { key, versionId: VersionId }, abortSignal);
  if (kept.sha256 !== sha256) {
    throw unfit(bucket, "does not keep the SHA-256 checksum of an object", "use a server that does");
  }
  if (kept.lockedUntil === null || kept.lockedUntil.getTime() < until.getTime() - roundedMs) {
    throw unfit(bucket, "does not lock an object as it was asked to", server);
  }
}

async function deletes(
  { s3 }: Bucket,
  version: { Bucket: string; Key: string; VersionId: string },
  abortSignal: AbortSignal,
): Promise<boolean> {
  try {
    await s3.deleteObject(version, { abortSignal });
    return true;
  } catch (error) {
    // Only an answer shows that the server refuses; of AWS it is 403, other servers have other statuses for it.
    if (statusOf(error) !== null && isRefusal(error)) return false;
    throw error;
  }
}

function unfit({ place }: Pick<Bucket, "place">, what: string, cure: string, cause?: unknown): BucketUnfit {
  return new BucketUnfit(`audit.s3: the bucket ${place.bucket} ${what}: ${cure}`, { cause });
}
