import { type DestinationStream, type Logger, pino } from "pino";
import type { Config } from "../config/schema.js";
import { cleanLine, secretNames } from "../telemetry/clean_line.js";

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
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: depths.flatMap((at) => secretNames.map((name) => pathOf(at, name))), censor: "[secret]" },
    hooks: { streamWrite: cleanLine },
  };
  return to ? pino(options, to) : pino(options);
}

function pathOf(at: string, name: string): string {
  if (/^\w+$/.test(name)) return `${at}${name}`;
  return `${at.replace(/\.$/, "")}["${name}"]`;
}
