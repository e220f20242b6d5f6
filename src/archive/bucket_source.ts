import { buffer } from "node:stream/consumers";
import { maxHeadsBytes } from "../audit/heads.js";
import { linesIn } from "../audit/lines.js";
import type { ChainSource, HeadsSource, RecordSource, SegmentSource } from "../audit/source.js";
import { type Archived, BucketArchive } from "./bucket_archive.js";
import { type BucketOptions, placeOfUrl } from "./bucket_url.js";
import { openBucketClient } from "./client.js";

/** How often one request is sent at most where somebody waits for the answer. */
const attempts = 4;
const dayMs = 86_400_000;

/** What a bucket holds of the archive. Throws an `Error` for the operator when the URL is none of a bucket, and else the library's. */
export async function openBucketArchive(
  url: string,
  options: BucketOptions & { fromDay?: string; toDay?: string } = {},
): Promise<BucketArchive> {
  const place = placeOfUrl(url, options);
  if (place === null) throw new Error(`${url}: write s3://bucket or s3://bucket/prefix`);
  const { retentionDays, fromDay, toDay } = options;
  return BucketArchive.open(await openBucketClient(place, attempts), {
    ...(retentionDays !== undefined && { retentionMs: retentionDays * dayMs }),
    ...(fromDay !== undefined && { fromDay }),
    ...(toDay !== undefined && { toDay }),
  });
}

/**
 * The records and heads in a bucket, `s3://bucket/prefix`. Of each key the oldest version counts: nobody can delete or change
 * that one. What was done to the bucket since is among its `problems`. Rejects as `openBucketArchive` does.
 */
export async function openBucket(url: string, options: BucketOptions = {}): Promise<RecordSource> {
  const archive = await openBucketArchive(url, options);
  return {
    chains: async () => chainsOf(archive, url),
    heads: () => headsOf(archive),
    problems: () => archive.problems,
  };
}

function chainsOf(archive: BucketArchive, url: string): ChainSource[] {
  const chains = new Map<string, ChainSource>();
  for (const object of archive.segments) {
    const { writer } = object;
    const chain = chains.get(writer) ?? {
      writer,
      place: `${url.replace(/\/+$/, "")} (${writer})`,
      whole: true,
      segments: [],
    };
    chain.segments.push(segmentOf(archive, object));
    chains.set(writer, chain);
  }
  return [...chains.values()];
}

function segmentOf(archive: BucketArchive, object: Archived): SegmentSource {
  return {
    name: object.name,
    place: object.place,
    lines: (limit) => linesIn(archive.read(object), limit),
  };
}

async function* headsOf(archive: BucketArchive): AsyncGenerator<HeadsSource> {
  await archive.check(archive.heads);
  for (const object of archive.heads) {
    if (object.bytes > maxHeadsBytes + 1) {
      archive.problems.push({ place: object.place, message: "is longer than a statement of heads can be" });
      continue;
    }
    const content = await buffer(archive.read(object));
    yield { place: object.place, line: content.at(-1) === 0x0a ? content.subarray(0, -1) : content };
  }
}
