import { Command } from "commander";
import { formatAuditProblem, verifyAudit } from "../audit/verify.js";
import { readVerifyKeyFile } from "../keys/keys.js";
import { answerCommand } from "./audit_answer.js";
import { queryCommand } from "./audit_query.js";
import { scopesCommand } from "./audit_scopes.js";
import { type Done, example, exitCodes, mustExist, print, WrongUse } from "./terminal.js";

/** `countersign audit`: work with records, without a running server. */
export function auditCommand(done: Done): Command {
  return new Command("audit")
    .description("Check audit records, search them, and answer questions from them.")
    .addHelpText(...example("audit verify ./var/audit --key ./var/audit.jwk"))
    .addCommand(verifyCommand(done))
    .addCommand(queryCommand(done))
    .addCommand(scopesCommand(done))
    .addCommand(answerCommand(done));
}

function verifyCommand(done: Done): Command {
  return new Command("verify")
    .description("Verify signatures and chains; says what does not hold, and in which line.")
    .argument("<path...>", "audit directory, or record files")
    .requiredOption(
      "-k, --key <file>",
      "JWK with the audit key, or its public half; may be repeated, as after a rotation",
      (file: string, others: string[] = []) => [...others, file],
    )
    .option("--json", "print the report as JSON")
    .addHelpText(...example("audit verify ./var/audit --key ./var/audit.jwk"))
    .action(async (paths: string[], options: { key: string[]; json?: boolean }) => {
      paths.forEach(mustExist);
      const keys = await Promise.all(options.key.map((path) => readVerifyKeyFile(path, "audit")));
      const report = await verifyAudit(paths, keys);
      const found = report.problems.length > 0 || report.writers.some(({ records }) => records > 0);
      if (!found) throw new WrongUse("there are no records there");
      if (options.json) print(JSON.stringify(report));
      else {
        for (const problem of report.problems) print(formatAuditProblem(problem));
        for (const writer of report.writers)
          print(`${writer.writer}: ${writer.records} records, up to seq ${writer.lastSeq}`);
        if (report.problems.length === 0) print("every signature and every link holds");
      }
      if (report.problems.length > 0) done(exitCodes.failed);
    });
}
