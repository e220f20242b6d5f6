import { Command } from "commander";
import { shadowReport } from "../report/report.js";
import type { By } from "../report/rows.js";
import { reportLines } from "../report/text.js";
import { progressOf } from "./progress.js";
import { recordOptions, recordsIn, spanOf } from "./records.js";
import { example, print, WrongUse } from "./terminal.js";

interface Options {
  audit: string[];
  from?: string;
  to?: string;
  by?: string;
  examples: string;
  percent: string;
  json?: boolean;
}

/** `countersign report`: what shadow mode would have blocked, from the records alone. */
export function reportCommand(): Command {
  return new Command("report")
    .description("Say what shadow mode would have blocked, from audit records.")
    .requiredOption(...recordOptions.audit)
    .option(...recordOptions.from)
    .option(...recordOptions.to)
    .option("--by <what>", "tell the calls of a rule apart by agent, or by action")
    .option("--examples <count>", "example calls for each rule, 0 to 100", "3")
    .option("--percent <number>", "suggest limits that let this share of the calls through", "99")
    .option("--json", "print the report as JSON")
    .addHelpText(...example("report --audit ./var/audit --from 7d"))
    .addHelpText("after", "\nSignatures are not checked here: countersign audit verify does that.")
    .action(async (options: Options) => {
      const [span, by, examples, percent] = [
        spanOf(options),
        byOf(options.by),
        examplesOf(options.examples),
        percentOf(options.percent),
      ];
      const files = await recordsIn(options.audit);
      const { done, end } = progressOf(files, 2);
      const report = await shadowReport(files, { span, by, examples, percent, done }).finally(end);
      print(options.json ? JSON.stringify(report) : reportLines(report).join("\n"));
    });
}

function byOf(text: string | undefined): By | null {
  if (text === undefined || text === "agent" || text === "action") return text ?? null;
  throw new WrongUse("--by: calls can be told apart by agent or by action");
}

function examplesOf(text: string): number {
  if (/^(\d{1,2}|100)$/.test(text)) return Number(text);
  throw new WrongUse("--examples: must be a number from 0 to 100");
}

function percentOf(text: string): number {
  const percent = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (percent > 0 && percent <= 100) return percent;
  throw new WrongUse("--percent: must be above 0 and at most 100, with at most three decimals");
}
