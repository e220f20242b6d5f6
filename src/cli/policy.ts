import { Command } from "commander";
import { policyBuildCommand } from "./policy_build.js";
import { policyDiffCommand } from "./policy_diff.js";
import { policyExplainCommand } from "./policy_explain.js";
import { policyKeyCommand } from "./policy_key.js";
import { policyLintCommand } from "./policy_lint.js";
import { policyTestCommand } from "./policy_test.js";
import { type Done, example } from "./terminal.js";

/** `countersign policy`: look at policies without serving them. */
export function policyCommand(done: Done): Command {
  return new Command("policy")
    .description("Check, try, explain, compare and build policies.")
    .addHelpText(...example("policy lint ./policies"))
    .addCommand(policyLintCommand(done))
    .addCommand(policyTestCommand(done))
    .addCommand(policyExplainCommand())
    .addCommand(policyDiffCommand(done))
    .addCommand(policyBuildCommand())
    .addCommand(policyKeyCommand());
}
