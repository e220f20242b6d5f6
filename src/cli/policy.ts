import { Command } from "commander";
import { policyBuildCommand } from "./policy_build.js";
import { policyDiffCommand } from "./policy_diff.js";
import { policyExplainCommand } from "./policy_explain.js";
import { policyHistoryCommand } from "./policy_history.js";
import { policyKeyCommand } from "./policy_key.js";
import { policyLintCommand } from "./policy_lint.js";
import { policyRollbackCommand } from "./policy_rollback.js";
import { policyTestCommand } from "./policy_test.js";
import { type Done, example } from "./terminal.js";

/** `countersign policy`: look at policies without serving them. */
export function policyCommand(done: Done): Command {
  return new Command("policy")
    .description("Check, try, explain, compare, take back and build policies.")
    .addHelpText(...example("policy lint ./policies"))
    .addCommand(policyLintCommand(done))
    .addCommand(policyTestCommand(done))
    .addCommand(policyExplainCommand())
    .addCommand(policyDiffCommand(done))
    .addCommand(policyHistoryCommand())
    .addCommand(policyRollbackCommand())
    .addCommand(policyBuildCommand())
    .addCommand(policyKeyCommand());
}
