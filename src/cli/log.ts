import { Command } from "commander";
import { z } from "zod";
import { printable } from "../printable.js";
import { type ApiOptions, ask, askingServer } from "./api.js";
import { type Done, example, print, WrongUse } from "./terminal.js";

const levels = ["debug", "info", "warn", "error"] as const;
const form = z.looseObject({ level: z.string(), configured: z.string(), until: z.string().nullable() });

/** `countersign log`: how much a running server logs. */
export function logCommand(_done: Done): Command {
  return new Command("log")
    .description("See and change how much a running server logs.")
    .addHelpText(...example("log level debug --for 10m"))
    .addCommand(levelCommand());
}

function levelCommand(): Command {
  const command = new Command("level")
    .description("Show the least level that is logged, or change it without a restart.")
    .argument("[level]", levels.join(", "))
    .option("--for <time>", "then it goes back by itself: 1s to 24h");
  return askingServer(command)
    .addHelpText(...example("log level debug --for 10m"))
    .action(async (level: string | undefined, options: ApiOptions & { for?: string }) => {
      if (level !== undefined && !levels.some((one) => one === level)) {
        throw new WrongUse(`${printable(level)} is no level: write one of ${levels.join(", ")}`);
      }
      if (level === undefined && options.for !== undefined) throw new WrongUse("--for: name the level to change to");
      const body = { level, ...(options.for !== undefined && { for: options.for }) };
      const change = level === undefined ? {} : { method: "PUT" as const, body };
      const now = await ask(options, { path: "/v1/log", ...change }, form);
      print(options.json ? JSON.stringify(now) : textOf(now));
    });
}

function textOf({ level, configured, until }: z.infer<typeof form>): string {
  const back = until === null ? "" : ` until ${printable(until)}, then ${printable(configured)}`;
  return `${printable(level)}${back}`;
}
