import { Command } from "commander";
import { loadConfig } from "../config/load.js";
import { type HistoryEvent, readEvents } from "../history/events.js";
import { printable } from "../printable.js";
import { count } from "./policy_source.js";
import { configOption, example, print } from "./terminal.js";

/** Names of files that are listed; of more they are counted. */
const listed = 3;
/** Hex digits of a version that are shown. */
const shownHex = 12;

/** `countersign policy history`: which versions of the policies were in force. */
export function policyHistoryCommand(): Command {
  return new Command("history")
    .description("List the versions of the policies that were in force, newest first.")
    .option(...configOption)
    .option("--json", "print the result as JSON")
    .addHelpText(...example("policy history --config ./countersign.yaml"))
    .action(async ({ config, json }: { config: string; json?: boolean }) => {
      const events = await readEvents(loadConfig(config).policy_history.dir);
      if (json) print(JSON.stringify({ current: events[0]?.version ?? null, events }));
      else print(events.length === 0 ? "no server has had any policies in force yet" : historyTable(events));
    });
}

/** One line for each event, whatever stands in it; the first is marked as in force. */
export function historyTable(events: readonly HistoryEvent[]): string {
  const head = ["", "version", "when", "event", "by", "files"];
  const rows = events.map(({ version, at, event, by = "", files }, i) => [
    i === 0 ? "*" : "",
    version.slice(0, "sha256:".length + shownHex),
    at,
    event,
    by,
    files.length > listed ? count(files.length, "file") : files.join(", "),
  ]);
  const all = [head, ...rows].map((row) => row.map((cell) => printable(cell)));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
