import { type Logger, pino } from "pino";
import type { Config } from "../config/schema.js";

/** One JSON object per line on stdout. */
export function createLog({ log, log_level }: Config["telemetry"]): Logger {
  return pino({
    level: log === "off" ? "silent" : log_level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
