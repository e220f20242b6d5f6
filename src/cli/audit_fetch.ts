import { Command } from "commander";
import { openBucketArchive } from "../archive/bucket_source.js";
import { placeOfUrl } from "../archive/bucket_url.js";
import { fetchArchive } from "../archive/fetch.js";
import { formatAuditProblem } from "../audit/verify_report.js";
import { retentionOption, toldOf } from "./bucket_told.js";
import { progressOf } from "./progress.js";
import { recordOptions, spanOf } from "./records.js";
import { type Done, example, exitCodes, print, WrongUse } from "./terminal.js";

interface Options {
  endpoint?: string;
  region?: string;
  retentionDays?: number;
  from?: string;
  to?: string;
  json?: boolean;
}

/** `countersign audit fetch`: records from a bucket, as an audit directory that every other command reads. */
export function auditFetchCommand(done: Done): Command {
  return new Command("fetch")
    .description("Copy records and heads from a bucket into a folder that every other command reads.")
    .argument("<bucket>", "s3://bucket or s3://bucket/prefix; credentials as the AWS SDK finds them")
    .argument("<dir>", "where to put them; what is there already is left as it is")
    .option("--endpoint <url>", "S3 server other than AWS")
    .option("--region <name>", "region of the bucket (or AWS_REGION)")
    .option(...retentionOption)
    .option(...recordOptions.from)
    .option(...recordOptions.to)
    .option("--json", "print what was fetched as JSON")
    .addHelpText(...example("audit fetch s3://audit/production ./copy --from 7d"))
    .action(async (url: string, dir: string, options: Options) => {
      if (placeOfUrl(url) === null) throw new WrongUse(`${url}: write s3://bucket or s3://bucket/prefix`);
      const archive = await toldOf(openBucketArchive(url, { ...options, ...daysOf(options) }));
      const objects = [...archive.segments, ...archive.heads];
      if (objects.length === 0 && archive.problems.length === 0) throw new WrongUse("there are no records there");
      const progress = progressOf(objects, 1);
      const fetched = await toldOf(fetchArchive(archive, dir, progress.done)).finally(progress.end);
      const { problems } = archive;
      if (options.json) print(JSON.stringify({ ...fetched, problems }));
      else {
        for (const { place, message } of problems) print(formatAuditProblem({ file: place, line: 0, message }));
        const { segments, heads, there } = fetched;
        print(`${segments} segments and ${heads} statements of heads in ${dir}, ${there} of them were there already`);
      }
      if (problems.length > 0) done(exitCodes.failed);
    });
}

/** The UTC days that the options name; a segment is kept under the day of its first record, so one day more before. */
function daysOf({ from, to }: Options): { fromDay?: string; toDay?: string } {
  const { fromMs, toMs } = spanOf({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
  return {
    ...(Number.isFinite(fromMs) && { fromDay: dayOf(fromMs - longestSegmentMs) }),
    ...(Number.isFinite(toMs) && { toDay: dayOf(toMs) }),
  };
}

/** The longest `audit.segment.max_age`: records of a time may stand in a segment that began so long before. */
const longestSegmentMs = 7 * 86_400_000;

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
