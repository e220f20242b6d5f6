import { Command } from "commander";
import { answerCommand } from "./audit_answer.js";
import { auditFetchCommand } from "./audit_fetch.js";
import { queryCommand } from "./audit_query.js";
import { scopesCommand } from "./audit_scopes.js";
import { auditVerifyCommand } from "./audit_verify.js";
import { type Done, example } from "./terminal.js";

/** `countersign audit`: work with records, without a running server. */
export function auditCommand(done: Done): Command {
  return new Command("audit")
    .description("Check audit records, search them, and answer questions from them.")
    .addHelpText(...example("audit verify ./var/audit --key ./var/audit.jwk"))
    .addCommand(auditVerifyCommand(done))
    .addCommand(auditFetchCommand(done))
    .addCommand(queryCommand(done))
    .addCommand(scopesCommand(done))
    .addCommand(answerCommand(done));
}
