import { Command } from "commander";
import { openHeads } from "../audit/file_source.js";
import { formatAuditProblem, verifyFiles } from "../audit/verify.js";
import type { RecordPlace } from "../audit_query/place.js";
import { loadConfig } from "../config/load.js";
import type { Config } from "../config/schema.js";
import { questions } from "../evidence/answer.js";
import { type DeploymentEvidence, deploymentEvidence } from "../evidence/deployment.js";
import { readVerifyKeyFile, type VerifyKey } from "../keys/keys.js";
import { printable } from "../printable.js";
import { auditPaths } from "./audit_paths.js";
import { warn } from "./audit_query.js";
import { recordOptions } from "./records.js";
import { configOption, type Done, example, exitCodes, mustExist, print, WrongUse } from "./terminal.js";

interface Options {
  deployment: string;
  audit?: string[];
  config: string;
  key?: string[];
  heads?: string[];
  unverified?: boolean;
  json?: boolean;
}

/** What was found out about the records themselves. */
interface Verified {
  /** `null` where nobody looked. */
  verified: boolean | null;
  problems: string[];
  /** Chains whose end no statement of heads tells: what was cut off there would not show. */
  uncovered: string[];
}

/** `countersign audit answer`: the five questions about one deployment. */
export function answerCommand(done: Done): Command {
  return new Command("answer")
    .description("Answer the five questions about one deployment, with the records that prove it.")
    .requiredOption("--deployment <id>", "deployment_id of its records")
    .option(recordOptions.audit[0], `${recordOptions.audit[1]} (default: audit.dir of the configuration)`)
    .option(...configOption)
    .option(
      "-k, --key <file>",
      "JWK with the audit key, or its public half; may be repeated (default, without --audit: those of the configuration)",
      collected,
    )
    .option("--heads <path>", "file or folder with statements of heads that were kept elsewhere", collected)
    .option("--unverified", "answer without checking the records, which then prove nothing")
    .option("--json", "print the answers as JSON")
    .addHelpText(...example("audit answer --deployment release-42 --audit ./var/audit --key ./var/audit.jwk"))
    .action(async (options: Options) => {
      options.heads?.forEach(mustExist);
      const paths = auditPaths(options);
      const keys = await keysOf(options);
      const verified = keys ? await verify(paths, keys, options) : { verified: null, problems: [], uncovered: [] };
      const found = await deploymentEvidence(paths, options.deployment, { keys });
      const evidence = verified.verified === false ? found && nothingProven(found) : found;
      if (options.json) print(JSON.stringify(evidence && { ...evidence, ...verified }));
      else print(text(evidence, options.deployment, verified));
      const unreadable = warn(evidence?.unreadable ?? []);
      const holds = verified.verified !== false && evidence?.signatures !== "broken" && !unreadable;
      if (!evidence || !holds) done(exitCodes.failed);
    });
}

/** The keys to check records with; `null` where nobody is to check them. */
async function keysOf({ key, audit, config, unverified }: Options): Promise<VerifyKey[] | null> {
  if (unverified && key) throw new WrongUse("give --key, or say --unverified");
  if (unverified) return null;
  if (!key && audit) throw new WrongUse("records that nobody checked are no evidence: give --key, or say --unverified");
  const files = key ?? keyFilesOf(loadConfig(config).audit);
  return Promise.all(files.map((path) => readVerifyKeyFile(path, "audit")));
}

function keyFilesOf({ key_file, accepted_keys }: Config["audit"]): string[] {
  return [key_file, ...accepted_keys];
}

/** The whole of the records, with the verifier of `audit verify`. */
async function verify(paths: readonly string[], keys: readonly VerifyKey[], { heads }: Options): Promise<Verified> {
  const { problems, writers } = await verifyFiles(paths, keys, heads ? { heads: await openHeads(heads) } : {});
  return {
    verified: problems.length === 0,
    problems: problems.map(formatAuditProblem),
    uncovered: writers.filter(({ newestHead }) => newestHead === null).map(({ writer }) => writer),
  };
}

/** What does not hold elsewhere in the records may be what would have told otherwise. */
function nothingProven(evidence: DeploymentEvidence): DeploymentEvidence {
  const answers = evidence.answers.map((answer) => ({ ...answer, status: "unknown" as const }));
  return { ...evidence, answers };
}

function collected(file: string, others: string[] = []): string[] {
  return [...others, file];
}

const shownProblems = 20;

function text(evidence: DeploymentEvidence | null, id: string, { verified, problems, uncovered }: Verified): string {
  const said = {
    true: "Every signature and every link of the records holds.",
    false: `RECORDS DO NOT HOLD: ${problems.length} problems. Whatever follows is not proven.`,
    null: "NOT VERIFIED: nobody checked that these records are what was written. This is no evidence.",
  }[String(verified) as "true" | "false" | "null"];
  const state = [
    said,
    ...uncovered.map((writer) => `No heads cover ${printable(writer)}: a cut tail would not show.`),
  ].join("\n");
  const wrong = problems.slice(0, shownProblems).map((problem) => `  ${printable(problem, 1_000)}`);
  if (!evidence) return [state, ...wrong, `No record tells of the deployment ${printable(id)}.`].join("\n");
  const answers = evidence.answers.flatMap(({ question, status, answer, records }, i) => [
    "",
    `${i + 1}. ${questions[question]} [${status}]`,
    `   ${printable(answer, 2_000)}`,
    ...records.map((place) => `   - ${placeText(place)}`),
  ]);
  const span = `Deployment ${printable(id)}, ${printable(evidence.from)} to ${printable(evidence.to)}`;
  return [state, ...wrong, span, ...answers].join("\n");
}

function placeText({ writer, seq, kind, decision_id: id, timestamp, sha256 }: RecordPlace): string {
  return printable(
    `${timestamp} ${kind}${id === null ? "" : ` ${id}`} (${writer} seq ${seq}, sha256:${sha256})`,
    1_000,
  );
}
