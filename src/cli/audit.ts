import { Command } from "commander";
import { auditFetchCommand } from "./audit_fetch.js";
import { auditVerifyCommand } from "./audit_verify.js";
import { type Done, example } from "./terminal.js";

/** `countersign audit`: work with records, without a running server. */
export function auditCommand(done: Done): Command {
  return new Command("audit")
    .description("Check audit records, and copy them from the archive.")
    .addHelpText(...example("audit verify ./var/audit --key ./var/audit.jwk"))
    .addCommand(auditVerifyCommand(done))
    .addCommand(auditFetchCommand(done));
}
