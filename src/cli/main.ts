import { Command, CommanderError } from "commander";
import { version } from "../version.js";
import { agentCommand } from "./agent.js";
import { approvalsCommand } from "./approvals.js";
import { attestCommand } from "./attest.js";
import { auditCommand } from "./audit.js";
import { backtestCommand } from "./backtest.js";
import { initCommand } from "./init.js";
import { logCommand } from "./log.js";
import { policyCommand } from "./policy.js";
import { reportCommand } from "./report.js";
import { serveCommand } from "./serve.js";
import { example, exitCodes, explain } from "./terminal.js";
import { tokenCommand } from "./token.js";

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
