import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { Registry } from "prom-client";
import { Archiver } from "../../src/archive/archiver.js";
import { type Bucket, openBucketClient } from "../../src/archive/client.js";
import { Spool } from "../../src/archive/spool.js";
import type { ArchiveTiming } from "../../src/archive/timing.js";
import { headsSuffix, sealHeads } from "../../src/audit/heads.js";
import { segmentFor, segmentsIn } from "../../src/audit/segments.js";
import { openWriter } from "../../src/audit/writer.js";
import { systemRuntime } from "../../src/runtime.js";
import { archiveMetrics } from "../../src/telemetry/archive.js";
import { ed25519, folderIn, optionsFor, policyDraft, writerName } from "../audit/samples.js";
import { findVersitygw } from "../harness/find_versitygw.js";
import { type Part, requirePart } from "../harness/parts.js";
import { type OwnS3, startS3 } from "../harness/s3.js";

export const dayMs = 86_400_000;

export function findS3(): Promise<Part<string>> {
  return requirePart("versitygw", findVersitygw);
}

/** One S3 server for the tests of a suite; credentials are in the environment of this process meanwhile. */
export function oneS3(program: () => string): () => OwnS3 {
  let s3: OwnS3 | undefined;
  const before = { ...process.env };
  beforeAll(async () => {
    s3 = await startS3(program());
    Object.assign(process.env, s3.env);
  });
  afterAll(async () => {
    process.env = before;
    await s3?.stop();
  });
  return () => {
    if (!s3) throw new Error("the S3 server is not there yet");
    return s3;
  };
}

let buckets = 0;

/** A fresh bucket and a client as the server has it. */
export async function freshBucket(s3: OwnS3, more: { prefix?: string; endpoint?: string; lock?: boolean } = {}) {
  const { prefix = "audit/test", endpoint = s3.endpoint, lock = true } = more;
  buckets += 1;
  const name = `bucket-${process.pid}-${buckets}`;
  await s3.createBucket(name, { lock });
  return openBucketClient({ bucket: name, prefix, region: "us-east-1", endpoint });
}

/** Writes so many records into segments of a few records each and ends the last one. Gives the writer's folder. */
export async function fillChain(dir: string, records: number): Promise<string> {
  const sink = await openWriter(optionsFor(dir, { maxSegmentBytes: 1_500 }));
  for (let n = 0; n < records; n++) await sink.append(policyDraft(`record ${n}`));
  await sink.close();
  // Tests state heads of their own.
  const stated = (await readdir(dir)).filter((name) => name.endsWith(headsSuffix));
  await Promise.all(stated.map((name) => rm(join(dir, name))));
  const folder = await folderIn(dir);
  await writeFile(join(folder, segmentFor((await nextSeq(folder)) + 1)), "", { flag: "a" });
  return folder;
}

async function nextSeq(folder: string): Promise<number> {
  const { readFile } = await import("node:fs/promises");
  let seq = 0;
  for (const name of await segmentsIn(folder)) {
    const last = (await readFile(join(folder, name), "utf8")).trimEnd().split("\n").at(-1) ?? "";
    if (last !== "") seq = (JSON.parse(last) as { seq: number }).seq;
  }
  return seq;
}

/** A signed statement of heads at a time. */
export function headsAt(timestamp: string, writer = writerName, link = `sha256:${"0".repeat(64)}`): string {
  return sealHeads({ kind: "heads", timestamp, writer, heads: [{ writer, seq: 1, link }] }, ed25519);
}

/** No test waits for the back-off of a real outage. */
const quick: Partial<ArchiveTiming> = { firstMs: 20, mostMs: 100, lookMs: 50 };

export interface Archiving {
  archiver: Archiver;
  /** Log lines so far. */
  log: { level: string; msg: string; problem?: string }[];
  /** A metric without its prefix, with its labels as they stand there. */
  metric(name: string): Promise<number>;
}

export function archiving(
  bucket: Bucket,
  dir: string,
  timing: Partial<ArchiveTiming> = {},
  retentionMs = 30 * dayMs,
): Archiving {
  const log: Archiving["log"] = [];
  const registry = new Registry();
  const archiver = new Archiver({
    bucket,
    spool: new Spool(dir, 1, bucket.place),
    retentionMs,
    runtime: systemRuntime,
    log: pino(
      { formatters: { level: (level) => ({ level }) } },
      { write: (line: string) => void log.push(JSON.parse(line)) },
    ),
    metrics: archiveMetrics([registry]),
    timing: { ...quick, ...timing },
  });
  return {
    archiver,
    log,
    async metric(name) {
      const text = await registry.metrics();
      const line = text.split("\n").find((found) => found.startsWith(`countersign_audit_archive_${name} `));
      return Number(line?.split(" ").at(-1) ?? 0);
    },
  };
}

/** Names of the segments that have a receipt. */
export async function receiptsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.endsWith(".receipt"))
    .map((name) => name.slice(0, -".receipt".length))
    .sort();
}

/** Keys of all versions below the prefix, probes left out. */
export async function keysIn({ s3, place }: Bucket): Promise<string[]> {
  const { Versions = [] } = await s3.listObjectVersions({ Bucket: place.bucket, Prefix: `${place.prefix}/` });
  return Versions.map(({ Key = "" }) => Key).filter((key) => !key.includes("/probe/"));
}
