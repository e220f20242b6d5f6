import { findRecords, type RecordFile } from "../audit/read.js";
import { momentOf, type Span } from "../audit/span.js";
import { mustExist, WrongUse } from "./terminal.js";

/** `--audit`, `--from` and `--to`, the same for every command that reads records. */
export const recordOptions = {
  audit: ["--audit <path...>", "audit directories, writers' folders, or record files"],
  from: ["--from <time>", "only decisions since then: an RFC 3339 time, or a duration back such as 7d"],
  to: ["--to <time>", "only decisions before then"],
} as const;

/** The files with records below these paths. Throws `WrongUse` when there are none. */
export async function recordsIn(paths: readonly string[]): Promise<RecordFile[]> {
  paths.forEach(mustExist);
  const files = await findRecords(paths);
  if (files.length === 0) throw new WrongUse("there are no records there");
  return files;
}

/** The span of time that the options name; without them all of it. Throws `WrongUse`. */
export function spanOf({ from, to }: { from?: string; to?: string }, nowMs = Date.now()): Span {
  const fromMs = from === undefined ? Number.NEGATIVE_INFINITY : moment("--from", from, nowMs);
  const toMs = to === undefined ? Number.POSITIVE_INFINITY : moment("--to", to, nowMs);
  if (fromMs >= toMs) throw new WrongUse("--from must be before --to");
  return { fromMs, toMs };
}

function moment(option: string, text: string, nowMs: number): number {
  const at = momentOf(text, nowMs);
  if (at !== null) return at;
  throw new WrongUse(`${option}: write a time as 2026-03-01T00:00:00Z, or a duration back from now as 7d or 24h`);
}
