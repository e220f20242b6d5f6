import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { Command } from "commander";
import { loadConfig } from "../config/load.js";
import { formatProblem, InvalidFile } from "../files/located_yaml.js";
import { writeBundle } from "../policies/bundle.js";
import { compilePolicySet, type PolicySet } from "../policies/policy_set.js";
import { loadProgram } from "../policies/program.js";
import type { Mode } from "../verdict.js";
import { readPolicies } from "../workspace/files.js";
import { configOption, type Done, example, exitCodes, mustExist, print } from "./terminal.js";

/** `countersign policy`: look at policy files without serving them. */
export function policyCommand(done: Done): Command {
  return new Command("policy")
    .description("Check and build policies.")
    .addHelpText(...example("policy lint ./policies"))
    .addCommand(lintCommand(done))
    .addCommand(buildCommand());
}

function lintCommand(done: Done): Command {
  return new Command("lint")
    .description("Check policy files; every mistake is told with its line.")
    .argument("[path]", "folder or file (default: what the configuration names)")
    .option(...configOption)
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy lint ./policies"))
    .action((path: string | undefined, options: { config: string; json?: boolean }) => {
      const source = sourceOf(path, options.config);
      try {
        const set = compile(source);
        const agents = [...set.documents.keys()].filter((agent) => agent !== "*");
        if (options.json) print(JSON.stringify({ ok: true, policy_version: set.version, files: set.files, agents }));
        else print(`${count(set.files, "file")}, ${count(agents, "agent")}, no mistakes: ${set.version}`);
      } catch (error) {
        if (!(error instanceof InvalidFile)) throw error;
        if (options.json) print(JSON.stringify({ ok: false, problems: error.problems }));
        else print(error.problems.map(formatProblem).join("\n"));
        done(exitCodes.failed);
      }
    });
}

function buildCommand(): Command {
  return new Command("build")
    .description("Write policies and the program that reads them as an OPA bundle.")
    .argument("[path]", "folder or file (default: what the configuration names)")
    .option(...configOption)
    .option("-o, --output <file>", "bundle to write", "./bundle.tar.gz")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy build ./policies -o bundle.tar.gz"))
    .action(async (path: string | undefined, options: { config: string; output: string; json?: boolean }) => {
      const set = compile(sourceOf(path, options.config));
      mustExist(dirname(options.output));
      await writeBundle(set, options.output);
      if (options.json) print(JSON.stringify({ bundle: options.output, policy_version: set.version }));
      else print(`wrote ${options.output}: ${set.version}`);
    });
}

interface Source {
  path: string;
  /** Of files that name none. */
  mode: Mode;
}

/** A path that is given needs no configuration; then files that name no mode are enforced. */
function sourceOf(path: string | undefined, configFile: string): Source {
  if (path === undefined) {
    const { policies, mode } = loadConfig(configFile);
    return { path: policies, mode };
  }
  mustExist(path);
  return { path, mode: existsSync(configFile) ? loadConfig(configFile).mode : "enforce" };
}

function compile({ path, mode }: Source): PolicySet {
  return compilePolicySet(readPolicies(path), loadProgram(), mode);
}

function count(things: readonly unknown[], noun: string): string {
  return `${things.length} ${noun}${things.length === 1 ? "" : "s"}`;
}
