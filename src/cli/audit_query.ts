import { Command } from "commander";
import type { Filter } from "../audit_query/filter.js";
import { filterParameters } from "../audit_query/parameters.js";
import { Search, type UnreadableLine, wantedBy } from "../audit_query/search.js";
import { runSql, SqlError, type SqlResult } from "../audit_query/sql.js";
import { printable } from "../printable.js";
import { auditPaths } from "./audit_paths.js";
import { recordHead, recordLine } from "./audit_text.js";
import { recordOptions, spanOf } from "./records.js";
import { csvLine, table } from "./table.js";
import { configOption, type Done, example, exitCodes, print, WrongUse } from "./terminal.js";

interface Options {
  audit?: string[];
  config: string;
  from?: string;
  to?: string;
  limit?: string;
  sql?: string;
  json?: boolean;
  csv?: boolean;
  [filter: string]: unknown;
}

/** The filters, by their options, in the order of the help. */
const filters = {
  agent: ["agent_id", "<id>", "only this agent"],
  session: ["session_id", "<id>", "only this session"],
  deployment: ["deployment_id", "<id>", "only this deployment"],
  service: ["service", "<name>", "only this service"],
  environment: ["environment", "<name>", "only this environment"],
  decision: ["decision", "<verdict>", "allow, deny, sanitize, approval_needed; or a human answer"],
  enforced: ["enforced", "<verdict>", "what calls were answered"],
  reason: ["reason", "<reason>", "why, by its code"],
  tool: ["tool", "<tool>", "only this tool"],
  action: ["action", "<action>", "only this action"],
  approver: ["approver", "<person>", "answered or approved by this person"],
  approval: ["approval_id", "<id>", "about this approval"],
  id: ["decision_id", "<id>", "about this decision"],
  request: ["request_id", "<id>", "Envoy's id of the stream"],
  kind: ["kind", "<kind>", "decision, outcome, approval, policy or admin"],
} as const satisfies Record<string, readonly [keyof Filter, string, string]>;

/** `countersign audit query`: search records by filters, or by SQL. */
export function queryCommand(done: Done): Command {
  const command = new Command("query")
    .description("Search audit records, newest first.")
    .option(recordOptions.audit[0], `${recordOptions.audit[1]} (default: audit.dir of the configuration)`)
    .option(...configOption);
  for (const [name, [, value, says]] of Object.entries(filters)) command.option(`--${name} ${value}`, says);
  return command
    .option(recordOptions.from[0], "only records since then: an RFC 3339 time, or a duration back such as 7d")
    .option(recordOptions.to[0], "only records before then")
    .option("--limit <count>", "at most so many records (default: 100, with --json all)")
    .option("--sql <select>", "run one SELECT over the records that the filters leave")
    .option("--json", "print JSON lines: whole records, or the rows of --sql")
    .option("--csv", "print the rows of --sql as CSV")
    .addHelpText(...example("audit query --audit ./var/audit --agent deploy-manager --decision deny --from 7d"))
    .addHelpText("after", "\nSignatures are not checked here: countersign audit verify does that.")
    .action(async (options: Options) => {
      const filter = filterOf(options);
      if (options.csv && (options.sql === undefined || options.json)) throw new WrongUse("--csv goes with --sql alone");
      const search = await Search.in(auditPaths(options), wantedBy(filter));
      if (options.sql !== undefined) await showRows(search, options.sql, options);
      else await showRecords(search, limitOf(options), options);
      if (warn(await search.unreadable())) done(exitCodes.failed);
    });
}

function filterOf(options: Options): Filter {
  const given = Object.entries(filters).flatMap(([name, [member]]) =>
    options[name] === undefined ? [] : [[member, options[name]]],
  );
  const { from, to } = options;
  const { fromMs, toMs } = spanOf({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
  const read = filterParameters.safeParse(Object.fromEntries(given));
  if (!read.success) {
    const [issue] = read.error.issues;
    const option = Object.entries(filters).find(([, [member]]) => member === issue?.path[0])?.[0];
    throw new WrongUse(`--${option ?? "?"}: ${issue?.message ?? "not valid"}`);
  }
  return {
    ...(read.data as Filter),
    ...(Number.isFinite(fromMs) && { fromMs }),
    ...(Number.isFinite(toMs) && { toMs }),
  };
}

function limitOf({ limit, json, sql }: Options): number {
  if (limit === undefined) return json || sql !== undefined ? Number.POSITIVE_INFINITY : 100;
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit);
  throw new WrongUse("--limit: write a number from 1");
}

async function showRecords(search: Search, limit: number, { json }: Options): Promise<void> {
  const rows: string[][] = [];
  let count = 0;
  for await (const { record, line } of search) {
    if (json) print(line.toString("utf8"));
    else rows.push(recordLine(record));
    count += 1;
    if (count >= limit) break;
  }
  if (json) return;
  print(rows.length === 0 ? "no records" : table(recordHead, rows).join("\n"));
  if (count >= limit) process.stderr.write(`countersign: the newest ${limit}; --limit shows more\n`);
}

async function showRows(search: Search, statement: string, { json, csv, limit }: Options): Promise<void> {
  if (limit !== undefined) throw new WrongUse("--limit: with --sql write LIMIT into the statement");
  const result = await ran(search, statement);
  if (json) for (const row of result.rows) print(JSON.stringify(named(result, row)));
  else if (csv) for (const row of [result.columns, ...result.rows]) print(csvLine(row.map(cellOf)));
  else
    print(
      table(
        result.columns,
        result.rows.map((row) => row.map(cellOf)),
      ).join("\n"),
    );
  if (result.cut) process.stderr.write("countersign: there were more rows; these are the first\n");
}

async function ran(search: Search, statement: string): Promise<SqlResult> {
  try {
    return await runSql(search, statement);
  } catch (error) {
    if (error instanceof SqlError) throw new WrongUse(`--sql: ${error.message}`);
    throw error;
  }
}

/** Two columns of one name would be one member. */
function named({ columns }: SqlResult, row: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(columns.map((name, i) => [columns.indexOf(name) === i ? name : `${name}_${i}`, row[i]]));
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Says which lines could not be read; true when there were any. */
export function warn(lines: readonly UnreadableLine[]): boolean {
  for (const { writer, file, line } of lines) {
    process.stderr.write(`countersign: ${printable(writer)}/${printable(file)}:${line}: is no audit record\n`);
  }
  return lines.length > 0;
}
