import type { BucketPlace } from "./client.js";

/** How a bucket is asked for on the command line. */
export interface BucketOptions {
  /** URL of an S3 server other than AWS. */
  endpoint?: string;
  /** Default: `AWS_REGION`, else `us-east-1`. */
  region?: string;
  /** So many days at least every object should be locked for; without it any COMPLIANCE lock will do. */
  retentionDays?: number;
}

const form = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/*$/;

/** True for a text that means a bucket, well written or not. */
export function isBucketUrl(text: string): boolean {
  return /^s3:/i.test(text);
}

/** The place that `s3://bucket/prefix` names; `null` when it has another form. */
export function placeOfUrl(url: string, { endpoint, region }: BucketOptions = {}): BucketPlace | null {
  const [, bucket, prefix = ""] = form.exec(url) ?? [];
  if (bucket === undefined || prefix.includes("//")) return null;
  return { bucket, prefix, region: region ?? process.env.AWS_REGION ?? "us-east-1", endpoint };
}
