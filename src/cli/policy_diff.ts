import { existsSync } from "node:fs";
import { Command } from "commander";
import { loadConfig } from "../config/load.js";
import { HistoryError } from "../history/error.js";
import { openVersion } from "../history/versions.js";
import type { PolicySet } from "../policies/policy_set.js";
import { loadProgram, type Program } from "../policies/program.js";
import { diffPolicies } from "../policy_tools/diff/diff.js";
import { diffLines } from "../policy_tools/diff/text.js";
import { open, sourceOf } from "./policy_source.js";
import { configOption, type Done, example, exitCodes, print, WrongUse } from "./terminal.js";

/** `countersign policy diff`: what another version of policies changes, in words. */
export function policyDiffCommand(done: Done): Command {
  return new Command("diff")
    .description("Say what differs between two versions of policies, and what is stricter or looser.")
    .argument("<old>", "folder, file or bundle, or a version as `policy history` shows it")
    .argument("<new>", "the same")
    .option(...configOption)
    .option("--exit-code", "end with status 1 when they differ")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy diff 9f2c1a77 ./policies"))
    .action(async (before: string, after: string, options: { config: string; exitCode?: boolean; json?: boolean }) => {
      const program = loadProgram();
      const [old, now] = [
        await openSide(before, options.config, program),
        await openSide(after, options.config, program),
      ];
      const diff = diffPolicies(old, now);
      print(options.json ? JSON.stringify(diff) : diffLines(diff).join("\n"));
      if (options.exitCode && diff.before !== diff.after) done(exitCodes.failed);
    });
}

/** A path that leads somewhere is a path, whatever it is called; with `sha256:` it is always a version. */
const versionForm = /^(sha256:|[0-9a-f]{8,64}$)/;

async function openSide(text: string, config: string, program: Program): Promise<PolicySet> {
  const isPath = !text.startsWith("sha256:") && existsSync(text);
  if (isPath || !versionForm.test(text)) return open(sourceOf(text, config), program);
  try {
    return await openVersion(loadConfig(config).policy_history.dir, text, program);
  } catch (error) {
    throw error instanceof HistoryError ? new WrongUse(error.message) : error;
  }
}
