import { Command } from "commander";
import { openFiles, openHeads } from "../audit/file_source.js";
import { findRecords } from "../audit/read.js";
import type { RecordSource } from "../audit/source.js";
import { formatAuditProblem, verifyAudit } from "../audit/verify.js";
import type { AuditReport, WriterReport } from "../audit/verify_report.js";
import { readVerifyKeyFile } from "../keys/keys.js";
import { printable } from "../printable.js";
import { type Progress, progressOf } from "./progress.js";
import { type Done, example, exitCodes, mustExist, print, WrongUse } from "./terminal.js";

interface Options {
  key: string[];
  heads?: string[];
  requireHeads?: boolean;
  endpoint?: string;
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
    .option("--endpoint <url>", "S3 server other than AWS")
    .option("--json", "print the report as JSON")
    .addHelpText(...example("audit verify ./var/audit --key ./var/audit.jwk"))
    .action(async (paths: string[], options: Options) => {
      const { source, progress } = await sourceOf(paths, options);
      options.heads?.forEach(mustExist);
      const keys = await Promise.all(options.key.map((path) => readVerifyKeyFile(path, "audit")));
      const report = await verifyAudit(source, keys, {
        ...(options.heads && { heads: await openHeads(options.heads) }),
        requireHeads: options.requireHeads ?? false,
        done: (bytes) => progress.done(bytes),
      }).finally(() => progress.end());
      const found = report.problems.length > 0 || report.writers.some(({ records }) => records > 0);
      if (!found) throw new WrongUse("there are no records there");
      if (options.json) print(JSON.stringify(report));
      else tell(report);
      if (report.problems.length > 0) done(exitCodes.failed);
    });
}

function eachOf(value: string, others: string[] = []): string[] {
  return [...others, value];
}

async function sourceOf(
  paths: readonly string[],
  options: Options,
): Promise<{ source: RecordSource; progress: Progress }> {
  const buckets = paths.filter((path) => path.startsWith("s3://"));
  if (buckets.length === 0) {
    if (options.endpoint !== undefined) throw new WrongUse("--endpoint belongs to s3://bucket/prefix");
    paths.forEach(mustExist);
    return { source: await openFiles(paths), progress: progressOf(await findRecords(paths), 1) };
  }
  const [url] = buckets;
  if (paths.length > 1 || url === undefined) throw new WrongUse("a bucket is checked by itself");
  return { source: await bucketAt(url, options), progress: progressOf([], 1) };
}

/** Loaded only when it is asked for: a check of files needs no client for S3. */
async function bucketAt(url: string, { endpoint }: Pick<Options, "endpoint">): Promise<RecordSource> {
  // Only here, so that nobody else waits for the client of object storage to load.
  const { openBucket } = await import("../archive/bucket_source.js");
  return openBucket(url, { ...(endpoint !== undefined && { endpoint }) });
}

function tell({ problems, writers, statements }: AuditReport): void {
  for (const problem of problems) print(formatAuditProblem(problem));
  for (const writer of writers) {
    print(`${printable(writer.writer)}: ${writer.records} records, up to seq ${writer.lastSeq}${keysOf(writer)}`);
    print(`  ${headOf(writer)}`);
  }
  if (problems.length > 0) return;
  print(statements > 0 ? "every signature, every link and every head holds" : "every signature and every link holds");
}

/** Nothing for a chain with one key, which is the rule. */
function keysOf({ keys }: WriterReport): string {
  if (keys.length < 2) return "";
  return `, keys ${keys.map(({ kid, from, to }) => `${printable(kid)} (${from} to ${to})`).join(", ")}`;
}

function headOf({ newestHead }: WriterReport): string {
  if (newestHead === null) return "not covered by heads: a cut tail would not show";
  return `newest head: record ${newestHead.seq} at ${newestHead.timestamp}`;
}
