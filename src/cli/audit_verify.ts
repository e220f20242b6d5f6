import { Command } from "commander";
import { openBucket } from "../archive/bucket_source.js";
import { isBucketUrl, placeOfUrl } from "../archive/bucket_url.js";
import { openFiles, openHeads } from "../audit/file_source.js";
import { findRecords } from "../audit/read.js";
import type { RecordSource } from "../audit/source.js";
import { formatAuditProblem, verifyAudit } from "../audit/verify.js";
import type { AuditReport, WriterReport } from "../audit/verify_report.js";
import { parseDuration } from "../duration.js";
import { readVerifyKeyFile } from "../keys/keys.js";
import { printable } from "../printable.js";
import { retentionOption, toldOf } from "./bucket_told.js";
import { type Progress, progressOf } from "./progress.js";
import { type Done, example, exitCodes, mustExist, print, WrongUse } from "./terminal.js";

interface Options {
  key: string[];
  heads?: string[];
  requireHeads?: boolean;
  pending?: string;
  endpoint?: string;
  region?: string;
  retentionDays?: number;
  json?: boolean;
}

/** `countersign audit verify`: does what is there hold, and is anything missing? */
export function auditVerifyCommand(done: Done): Command {
  return new Command("verify")
    .description("Verify signatures, chains and statements of heads; says what does not hold, and in which line.")
    .argument("<path...>", "audit directory, record files, or s3://bucket/prefix")
    .requiredOption(
      "-k, --key <file>",
      "JWK with the audit key, or its public half; may be repeated, as after a rotation",
      eachOf,
    )
    .option(
      "--heads <path>",
      "file or folder with statements of heads that were kept elsewhere; may be repeated",
      eachOf,
    )
    .option("--require-heads", "a chain that no statement of heads covers does not hold")
    .option(
      "--pending <duration>",
      "how long after they were stated records may not be there yet (default: 1h in a bucket, else 0s)",
    )
    .option("--endpoint <url>", "S3 server other than AWS")
    .option("--region <name>", "region of the bucket (or AWS_REGION)")
    .option(...retentionOption)
    .option("--json", "print the report as JSON")
    .addHelpText(...example("audit verify ./var/audit --key ./var/audit.jwk"))
    .action(async (paths: string[], options: Options) => {
      const pendingMs = pendingOf(options, paths.some(isBucketUrl));
      const { source, progress } = await sourceOf(paths, options);
      options.heads?.forEach(mustExist);
      const keys = await Promise.all(options.key.map((path) => readVerifyKeyFile(path, "audit")));
      const checked = verifyAudit(source, keys, {
        ...(options.heads && { heads: await openHeads(options.heads) }),
        requireHeads: options.requireHeads ?? false,
        ...(pendingMs > 0 && { dueMs: Date.now() - pendingMs }),
        done: (bytes) => progress.done(bytes),
      });
      const report = await (paths.some(isBucketUrl) ? toldOf(checked) : checked).finally(() => progress.end());
      const found = report.problems.length > 0 || report.writers.some(({ records }) => records > 0);
      if (!found) throw new WrongUse("there are no records there");
      if (options.json) print(JSON.stringify(report));
      else tell(report);
      if (report.problems.length > 0) done(exitCodes.failed);
    });
}

/** A bucket gets a segment when it has ended, some minutes after heads were stated for it. */
const bucketPendingMs = 3_600_000;

function pendingOf({ pending }: Options, bucket: boolean): number {
  if (pending === undefined) return bucket ? bucketPendingMs : 0;
  const ms = parseDuration(pending);
  if (ms === null) throw new WrongUse("--pending: write a duration as 15m or 1h");
  return ms;
}

function eachOf(value: string, others: string[] = []): string[] {
  return [...others, value];
}

const ofBuckets = {
  endpoint: "--endpoint",
  region: "--region",
  retentionDays: "--retention-days",
} as const satisfies Partial<Record<keyof Options, string>>;

async function sourceOf(
  paths: readonly string[],
  options: Options,
): Promise<{ source: RecordSource; progress: Progress }> {
  const buckets = paths.filter(isBucketUrl);
  if (buckets.length === 0) {
    for (const [name, option] of Object.entries(ofBuckets)) {
      if (options[name as keyof typeof ofBuckets] !== undefined) {
        throw new WrongUse(`${option} belongs to s3://bucket/prefix`);
      }
    }
    paths.forEach(mustExist);
    return { source: await openFiles(paths), progress: progressOf(await findRecords(paths), 1) };
  }
  const [url] = buckets;
  if (paths.length > 1 || url === undefined) throw new WrongUse("a bucket is checked by itself");
  return { source: await bucketAt(url, options), progress: progressOf([], 1) };
}

async function bucketAt(
  url: string,
  { endpoint, region, retentionDays }: Pick<Options, keyof typeof ofBuckets>,
): Promise<RecordSource> {
  if (placeOfUrl(url) === null) throw new WrongUse(`${url}: write s3://bucket or s3://bucket/prefix`);
  const given = {
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(retentionDays !== undefined && { retentionDays }),
  };
  return toldOf(openBucket(url, given));
}

function tell({ problems, writers, statements }: AuditReport): void {
  for (const problem of problems) print(formatAuditProblem(problem));
  for (const writer of writers) {
    print(`${printable(writer.writer)}: ${writer.records} records, up to seq ${writer.lastSeq}${keysOf(writer)}`);
    print(`  ${headOf(writer)}`);
  }
  if (problems.length > 0) return;
  if (statements > 0) print("every statement of heads holds");
  print("every signature and every link holds");
}

/** Nothing for a chain with one key, which is the rule. */
function keysOf({ keys }: WriterReport): string {
  if (keys.length < 2) return "";
  return `, keys ${keys.map(({ kid, from, to }) => `${printable(kid)} (${from} to ${to})`).join(", ")}`;
}

function headOf({ newestHead, lastSeq }: WriterReport): string {
  if (newestHead === null) return "not covered by heads: a cut tail would not show";
  const yet = newestHead.seq > (lastSeq ?? 0) ? ", which is not there yet" : "";
  return `newest head: record ${newestHead.seq} at ${newestHead.timestamp}${yet}`;
}
