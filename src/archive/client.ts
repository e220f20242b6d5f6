import type { S3 } from "@aws-sdk/client-s3";

/** Where a bucket is, as `audit.s3` of the configuration says it. */
export interface BucketPlace {
  bucket: string;
  /** What all keys begin with, without a slash at either end; empty for none. */
  prefix: string;
  region: string;
  /** URL of an S3 server other than AWS. */
  endpoint?: string | undefined;
  /** `true` names the bucket in the path; by default where there is an `endpoint`. */
  path_style?: boolean | undefined;
}

/** A bucket that can be asked. */
export interface Bucket {
  s3: S3;
  place: BucketPlace;
}

/** Longest time for a connection, and without a byte on one, in milliseconds. */
const connectionMs = 5_000;
const silenceMs = 20_000;

/**
 * A client for a bucket, with credentials from where the AWS SDK looks for them. Asks nothing yet. The library is loaded only
 * here, so that who has no bucket does without it.
 *
 * @param attempts how often one request is sent at most
 */
export async function openBucketClient(place: BucketPlace, attempts = 1): Promise<Bucket> {
  // Which Node its later versions need is for those who build this program, not for those who run it.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const { S3 } = await import("@aws-sdk/client-s3");
  const { endpoint, region, path_style = endpoint !== undefined } = place;
  const s3 = new S3({
    ...(endpoint !== undefined && { endpoint }),
    region,
    forcePathStyle: path_style,
    maxAttempts: attempts,
    // We name SHA-256 ourselves; not every server knows the checksum that the library would add.
    requestChecksumCalculation: "WHEN_REQUIRED",
    // What it has to say comes with its errors; standard error is for people.
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    requestHandler: { connectionTimeout: connectionMs, socketTimeout: silenceMs },
  });
  return { s3, place };
}

function quiet(): void {}

/** The place of an object, in words that lead there. */
export function placeOf({ bucket }: Pick<BucketPlace, "bucket">, key: string): string {
  return `s3://${bucket}/${key}`;
}
