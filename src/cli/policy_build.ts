import { dirname } from "node:path";
import { Command } from "commander";
import { writeBundle } from "../bundle/write.js";
import { readKeyFile } from "../keys/keys.js";
import { loadProgram } from "../policies/program.js";
import { open, sourceOf } from "./policy_source.js";
import { configOption, example, mustExist, print } from "./terminal.js";

interface BuildOptions {
  config: string;
  output: string;
  signingKey?: string;
  json?: boolean;
}

/** `countersign policy build`: policies as an OPA bundle. */
export function policyBuildCommand(): Command {
  return new Command("build")
    .description("Write policies and the program that reads them as an OPA bundle.")
    .argument("[path]", "folder or file (default: what the configuration names)")
    .option(...configOption)
    .option("-o, --output <file>", "bundle to write", "./bundle.tar.gz")
    .option("--signing-key <file>", "sign the bundle with this key (JWK)")
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy build ./policies -o bundle.tar.gz"))
    .action(async (path: string | undefined, options: BuildOptions) => {
      const key = options.signingKey === undefined ? null : await readKeyFile(options.signingKey, "bundle");
      const set = await open(sourceOf(path, options.config), loadProgram());
      mustExist(dirname(options.output));
      await writeBundle(set, options.output, key && { key, nowMs: Date.now() });
      if (options.json) print(JSON.stringify({ bundle: options.output, policy_version: set.version }));
      else print(`wrote ${options.output}: ${set.version}`);
    });
}
