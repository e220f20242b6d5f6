import { userInfo } from "node:os";
import { Command } from "commander";
import { loadConfig } from "../config/load.js";
import { InvalidFile } from "../files/located_yaml.js";
import { type Asking, askRelease, askRollback, maxReason, standingIn } from "../history/ask.js";
import { HistoryError } from "../history/error.js";
import { loadProgram, type Program } from "../policies/program.js";
import { isUrl } from "../workspace/sources.js";
import { open, sourceOf } from "./policy_source.js";
import { configOption, example, print, WrongUse } from "./terminal.js";

interface RollbackOptions {
  config: string;
  release?: boolean;
  reason?: string;
  json?: boolean;
}

/** `countersign policy rollback`: goes back to a version of the policies that was in force. */
export function policyRollbackCommand(): Command {
  return new Command("rollback")
    .description("Go back to an earlier version of the policies, until the policy files change.")
    .argument("[version]", "the version as `policy history` shows it, or its first 8 or more hex digits")
    .option(...configOption)
    .option("--release", "end the roll-back: what the policy files say takes effect")
    .option("--reason <text>", "why; it stands in the audit record")
    .option("--json", "print the result as JSON")
    .addHelpText(...example('policy rollback 9f2c1a77 --reason "blocks deployments"'))
    .action(async (version: string | undefined, options: RollbackOptions) => {
      if ((version === undefined) === (options.release !== true)) {
        throw new WrongUse("name a version to go back to, or end a roll-back with --release");
      }
      const asking = askingFor(options);
      try {
        if (version === undefined) await release(options, asking);
        else await rollBack(version, options, asking);
      } catch (error) {
        throw error instanceof HistoryError ? new WrongUse(error.message) : error;
      }
    });
}

async function rollBack(version: string, { config, json }: RollbackOptions, asking: Asking): Promise<void> {
  const program = loadProgram();
  const { dir } = loadConfig(config).policy_history;
  const standing = await standingIn(dir, await versionOfFiles(config, program));
  const asked = await askRollback(dir, version, standing, asking, program);
  if (json) print(JSON.stringify({ policy_version: asked.version, instead_of: asked.instead_of, at: asked.at }));
  else print(`back to ${asked.version}\ninstead of ${asked.instead_of}, until the policy files change`);
}

async function release({ config, json }: RollbackOptions, asking: Asking): Promise<void> {
  await askRelease(loadConfig(config).policy_history.dir, null, asking);
  if (json) print(JSON.stringify({ released: true, at: asking.at }));
  else print("the roll-back is over: what the policy files say takes effect");
}

/** `null` where a server knows better: of files with mistakes, and of a bundle that only it fetches. */
async function versionOfFiles(configFile: string, program: Program): Promise<string | null> {
  const { policies } = loadConfig(configFile);
  if (typeof policies !== "string" && isUrl(policies.bundle)) return null;
  try {
    return (await open(sourceOf(undefined, configFile), program)).version;
  } catch (error) {
    if (error instanceof InvalidFile) return null;
    throw error;
  }
}

function askingFor({ reason }: RollbackOptions): Asking {
  if (reason !== undefined && (reason === "" || reason.length > maxReason)) {
    throw new WrongUse(`--reason: write 1 to ${maxReason} characters`);
  }
  return { at: new Date().toISOString(), by: `cli:${user()}`, reason: reason ?? null };
}

/** As the operating system calls them; containers often give users no name. */
function user(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}
