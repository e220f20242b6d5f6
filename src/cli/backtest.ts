import { existsSync } from "node:fs";
import { Command } from "commander";
import { type BacktestOptions, backtest, type Summary } from "../backtest/backtest.js";
import { findingLine, summaryLines, Undecidable } from "../backtest/text.js";
import { loadConfig } from "../config/load.js";
import { createEngine } from "../evaluate/engine.js";
import { loadProgram } from "../policies/program.js";
import { createRegoPool } from "../rego/pool.js";
import { openPolicies } from "../workspace/policies.js";
import { progressOf } from "./progress.js";
import { recordOptions, recordsIn, spanOf } from "./records.js";
import { configOption, type Done, example, exitCodes, mustExist, print, WrongUse } from "./terminal.js";

interface Options {
  policies: string;
  audit: string[];
  agent?: string;
  from?: string;
  to?: string;
  config: string;
  newAllows: boolean;
  strict?: boolean;
  json?: boolean;
}

/** `countersign backtest`: what other policies would have said of recorded calls. */
export function backtestCommand(done: Done): Command {
  return new Command("backtest")
    .description("Judge recorded calls by other policies, and say which verdicts change.")
    .requiredOption("--policies <path>", "folder, file or bundle to try")
    .requiredOption(...recordOptions.audit)
    .option("--agent <id>", "only calls of this agent")
    .option(...recordOptions.from)
    .option(...recordOptions.to)
    .option(...configOption)
    .option("--no-new-allows", "exit with 1 when a call is let through that was not, or when none could be judged")
    .option("--strict", "with --no-new-allows: also when nobody can tell for a call that was not let through")
    .option("--json", "print JSON lines: one for each finding, then the summary")
    .addHelpText(...example("backtest --policies ./policies --audit ./var/audit --no-new-allows"))
    .addHelpText("after", "\nLimits are not judged again, and signatures are not checked.")
    .action(async (options: Options) => {
      if (options.strict && options.newAllows) throw new WrongUse("--strict goes with --no-new-allows");
      const span = spanOf(options);
      mustExist(options.policies);
      const mode = existsSync(options.config) ? loadConfig(options.config).mode : "enforce";
      const program = loadProgram();
      const policies = await openPolicies(options.policies, { program, mode });
      const files = await recordsIn(options.audit);
      // Nobody waits for one answer here, so none is given up for having waited.
      const rego = policies.rego === null ? null : createRegoPool({ maxWaitMs: 60_000 });
      const progress = progressOf(files, 1);
      try {
        const undecidable = new Undecidable();
        const found: BacktestOptions["found"] = (finding) => {
          if (options.json) print(JSON.stringify(finding));
          else if (finding.change === "undecidable") undecidable.add(finding);
          else print(findingLine(finding));
        };
        const summary = await backtest(
          files,
          { policies, engine: createEngine(program), rego },
          { span, agent: options.agent ?? null, found, done: progress.done },
        ).finally(progress.end);
        if (options.json) print(JSON.stringify({ summary }));
        else print([...undecidable.lines(), ...summaryLines(summary)].join("\n"));
        if (!options.newAllows && !provesNoNewAllows(summary, options.strict === true)) done(exitCodes.failed);
      } finally {
        await rego?.close();
      }
    });
}

/** Where nothing could be judged, nothing is proven. */
function provesNoNewAllows({ replayed, newly_allowed, could_be_allowed }: Summary, strict: boolean): boolean {
  return replayed > 0 && newly_allowed === 0 && !(strict && could_be_allowed > 0);
}
