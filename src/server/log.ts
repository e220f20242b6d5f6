import { type DestinationStream, type Logger, pino } from "pino";
import type { Config } from "../config/schema.js";
import { isoTime } from "../iso_time.js";
import { cleanLine, secretNames } from "../telemetry/clean_line.js";
import { writesLines } from "../telemetry/decision_line.js";
import { type BatchedLines, batchedLines } from "./log_lines.js";

/** Depths at which a secret's name is looked for in what is logged. */
const depths = ["", "*.", "*.*."];

/**
 * One JSON object per line on stdout. Nothing that proves somebody is logged in the first place; should it ever be, what stands
 * under a secret's name and every token in any text is taken out. `fields` are on every line.
 */
export function createLog(
  { log, log_level }: Config["telemetry"],
  to?: DestinationStream,
  fields: object | null = null,
): Logger {
  const options = {
    level: log === "off" ? "silent" : log_level,
    base: fields,
    timestamp: () => `,"time":"${isoTime(Date.now())}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: depths.flatMap((at) => secretNames.map((name) => pathOf(at, name))), censor: "[secret]" },
    hooks: { streamWrite: cleanLine },
  };
  const stream = to ?? linesOfStdout();
  const made = pino(options, stream);
  writesLines(made, { to: stream, fields });
  return made;
}

/** The line of a decision in which nothing failed: the only one that is written for every call. */
function mayWait(line: string): boolean {
  return line.startsWith('{"level":"info"') && line.endsWith('"msg":"decision"}\n');
}

let stdoutLines: BatchedLines | null = null;

/** Lines to stdout, some of them at a time. Whatever ends the process in an orderly way, they are all written. */
function linesOfStdout(): BatchedLines {
  if (stdoutLines) return stdoutLines;
  const stdout = pino.destination({ fd: 1, sync: false });
  const lines = batchedLines(stdout, mayWait);
  stdoutLines = lines;
  process.once("exit", () => {
    const left = lines.take();
    if (left === "") return;
    // What was written before comes first, and an asynchronous write would never be made.
    stdout.flushSync();
    pino.destination({ fd: 1, sync: true }).write(left);
  });
  return lines;
}

function pathOf(at: string, name: string): string {
  if (/^\w+$/.test(name)) return `${at}${name}`;
  return `${at.replace(/\.$/, "")}["${name}"]`;
}
