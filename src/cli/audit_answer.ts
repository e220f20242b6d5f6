import { Command } from "commander";
import { formatAuditProblem, verifyFiles } from "../audit/verify.js";
import type { RecordPlace } from "../audit_query/place.js";
import { questions } from "../evidence/answer.js";
import { type DeploymentEvidence, deploymentEvidence } from "../evidence/deployment.js";
import { readVerifyKeyFile, type VerifyKey } from "../keys/keys.js";
import { printable } from "../printable.js";
import { auditPaths } from "./audit_paths.js";
import { warn } from "./audit_query.js";
import { recordOptions } from "./records.js";
import { configOption, type Done, example, exitCodes, print, WrongUse } from "./terminal.js";

interface Options {
  deployment: string;
  audit?: string[];
  config: string;
  key?: string[];
  unverified?: boolean;
  json?: boolean;
}

/** What was found out about the records themselves. */
interface Verified {
  /** `null` where nobody looked. */
  verified: boolean | null;
  problems: string[];
}

/** `countersign audit answer`: the five questions about one deployment. */
export function answerCommand(done: Done): Command {
  return new Command("answer")
    .description("Answer the five questions about one deployment, with the records that prove it.")
    .requiredOption("--deployment <id>", "deployment_id of its records")
    .option(recordOptions.audit[0], `${recordOptions.audit[1]} (default: audit.dir of the configuration)`)
    .option(...configOption)
    .option("-k, --key <file>", "JWK with the audit key, or its public half; may be repeated", collected)
    .option("--unverified", "answer without checking the records, which then prove nothing")
    .option("--json", "print the answers as JSON")
    .addHelpText(...example("audit answer --deployment release-42 --audit ./var/audit --key ./var/audit.jwk"))
    .action(async (options: Options) => {
      if ((options.key === undefined) === !options.unverified) {
        throw new WrongUse("records that nobody checked are no evidence: give --key, or say --unverified");
      }
      const paths = auditPaths(options);
      const keys = options.key ? await Promise.all(options.key.map((path) => readVerifyKeyFile(path, "audit"))) : null;
      const verified = keys ? await verify(paths, keys) : { verified: null, problems: [] };
      const evidence = await deploymentEvidence(paths, options.deployment, { keys });
      if (options.json) print(JSON.stringify(evidence && { ...evidence, ...verified }));
      else print(text(evidence, options.deployment, verified));
      const unreadable = warn(evidence?.unreadable ?? []);
      const holds = verified.verified !== false && evidence?.signatures !== "broken" && !unreadable;
      if (!evidence || !holds) done(exitCodes.failed);
    });
}

/** The whole of the records, with the verifier of `audit verify`. */
async function verify(paths: readonly string[], keys: readonly VerifyKey[]): Promise<Verified> {
  const { problems } = await verifyFiles(paths, keys);
  return { verified: problems.length === 0, problems: problems.map(formatAuditProblem) };
}

function collected(file: string, others: string[] = []): string[] {
  return [...others, file];
}

const shownProblems = 20;

function text(evidence: DeploymentEvidence | null, id: string, { verified, problems }: Verified): string {
  const state = {
    true: "Every signature and every link of the records holds.",
    false: `RECORDS DO NOT HOLD: ${problems.length} problems. Whatever follows is not proven.`,
    null: "NOT VERIFIED: nobody checked that these records are what was written. This is no evidence.",
  }[String(verified) as "true" | "false" | "null"];
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
