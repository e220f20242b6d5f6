import { Command } from "commander";
import { loadProgram } from "../policies/program.js";
import { diffPolicies } from "../policy_tools/diff/diff.js";
import { diffLines } from "../policy_tools/diff/text.js";
import { open, sourceOf } from "./policy_source.js";
import { configOption, type Done, example, exitCodes, print } from "./terminal.js";

/** `countersign policy diff`: what another version of policies changes, in words. */
export function policyDiffCommand(done: Done): Command {
  return new Command("diff")
    .description("Say what differs between two versions of policies, and what is stricter or looser.")
    .argument("<old>", "folder, file or bundle")
    .argument("<new>", "folder, file or bundle")
    .option(...configOption)
    .option("--exit-code", "end with status 1 when they differ")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy diff bundle.tar.gz ./policies"))
    .action(async (before: string, after: string, options: { config: string; exitCode?: boolean; json?: boolean }) => {
      const program = loadProgram();
      const [old, now] = [
        await open(sourceOf(before, options.config), program),
        await open(sourceOf(after, options.config), program),
      ];
      const diff = diffPolicies(old, now);
      print(options.json ? JSON.stringify(diff) : diffLines(diff).join("\n"));
      if (options.exitCode && diff.before !== diff.after) done(exitCodes.failed);
    });
}
