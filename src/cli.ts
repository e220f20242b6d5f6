#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { agentCommand } from "./cli/agent.js";
import { approvalsCommand } from "./cli/approvals.js";
import { attestCommand } from "./cli/attest.js";
import { auditCommand } from "./cli/audit.js";
import { backtestCommand } from "./cli/backtest.js";
import { initCommand } from "./cli/init.js";
import { logCommand } from "./cli/log.js";
import { policyCommand } from "./cli/policy.js";
import { reportCommand } from "./cli/report.js";
import { serveCommand } from "./cli/serve.js";
import { example, exitCodes, explain } from "./cli/terminal.js";
import { tokenCommand } from "./cli/token.js";
import { version } from "./version.js";

/** Runs one command line. Resolves with the exit code: 0 ok, 1 the check failed, 2 wrong use. */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = exitCodes.ok;
  const done = (result: number): void => {
    code = result;
  };
  const program = new Command("countersign")
    .description("Authorizes the tool calls of AI agents for Envoy, and keeps a signed record of why.")
    .version(version)
    .exitOverride()
    // Else a command would take the options of the commands below it for its own.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(...example("init --dir ./countersign && countersign serve --config ./countersign/countersign.yaml"))
    .addHelpText("after", "\nExit status: 0 ok, 1 the check failed, 2 wrong use.");
  for (const command of [
    initCommand,
    serveCommand,
    policyCommand,
    auditCommand,
    agentCommand,
    approvalsCommand,
    logCommand,
    tokenCommand,
    attestCommand,
    reportCommand,
    backtestCommand,
  ]) {
    program.addCommand(inherit(command(done)));
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return explain(error);
  }
}

/** Sub-commands report wrong use the same way as the program. */
function inherit(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) inherit(child);
  return command;
}

// A reader that has gone, such as `head`, changes nothing about what a command found.
process.stdout.on("error", () => {});
process.exitCode = await main(process.argv.slice(2));
