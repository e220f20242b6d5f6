import type { DuckDBAppender, DuckDBConnection } from "@duckdb/node-api";
import { columns, views } from "./columns.js";
import type { Found } from "./search.js";

/** What a query gives. Values as JSON has them; whole numbers too large for it, and all other types, as texts. */
export interface SqlResult {
  columns: string[];
  rows: unknown[][];
  /** True when there were more rows than are given. */
  cut: boolean;
}

/** The engine is not there, or the statement cannot be run. The message is for who wrote it. */
export class SqlError extends Error {
  override readonly name = "SqlError";
}

/** Rows that a query gives at most. */
const mostRows = 100_000;

/**
 * What is taken from the engine before a statement of somebody's runs: files, network, extensions, the disk as further
 * memory, and the settings that would give them back.
 */
export const locks = [
  "SET TimeZone = 'UTC'",
  "SET autoload_known_extensions = false",
  "SET autoinstall_known_extensions = false",
  "SET allow_community_extensions = false",
  "SET allow_persistent_secrets = false",
  "SET temp_directory = ''",
  "SET disabled_filesystems = 'LocalFileSystem'",
  "SET enable_external_access = false",
  "SET lock_configuration = true",
];

/**
 * Runs one SELECT over records. They are put into tables in memory before it runs; the engine itself never opens a file.
 * Throws `SqlError`.
 */
export async function runSql(records: AsyncIterable<Found>, statement: string): Promise<SqlResult> {
  const { DuckDBInstance, StatementType } = await engine();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    for (const lock of locks) await connection.run(lock);
    await load(connection, records);
    return await told(async () => {
      // Some functions act as soon as a statement with them is prepared.
      await confirmHarmless(connection, statement);
      const statements = await connection.extractStatements(statement);
      if (statements.count !== 1) throw new SqlError("write one statement");
      const prepared = await statements.prepare(0);
      if (prepared.statementType !== StatementType.SELECT) throw new SqlError("only SELECT runs here");
      const reader = await prepared.streamAndReadUntil(mostRows + 1);
      const rows = reader.getRowsJson();
      return { columns: reader.columnNames(), rows: rows.slice(0, mostRows), cut: rows.length > mostRows };
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * Functions that may stand where a table does. Others change how the engine works, its log among them, which can be written to
 * the terminal, or run a text as a statement.
 */
const tableFunctions: ReadonlySet<string> = new Set([
  "generate_series",
  "histogram",
  "histogram_values",
  "json_each",
  "json_tree",
  "range",
  "repeat",
  "unnest",
]);

/** Throws `SqlError` for what is no SELECT, and for one with a function that could do more than read. */
async function confirmHarmless(connection: DuckDBConnection, statement: string): Promise<void> {
  const read = await connection.runAndReadAll("SELECT json_serialize_sql(?::VARCHAR)", [statement]);
  const parsed = JSON.parse(String(read.getRowsJson()[0]?.[0])) as { error: boolean; error_message?: string };
  if (parsed.error) throw new SqlError(parsed.error_message ?? "only SELECT runs here");
  const other = tableFunctionsIn(parsed).find((name) => !tableFunctions.has(name.toLowerCase()));
  if (other !== undefined) throw new SqlError(`${other}() cannot be used here`);
}

/** Names of the functions that stand in a parsed statement where tables do, at any depth. */
function tableFunctionsIn(part: unknown): string[] {
  if (typeof part !== "object" || part === null) return [];
  const { type, function: called } = part as { type?: unknown; function?: { function_name?: unknown } };
  const own = type === "TABLE_FUNCTION" ? [String(called?.function_name)] : [];
  return [...own, ...Object.values(part).flatMap(tableFunctionsIn)];
}

/** An optional dependency: it is large, and only this command needs it. */
async function engine(): Promise<typeof import("@duckdb/node-api")> {
  try {
    return await import("@duckdb/node-api");
  } catch (cause) {
    throw new SqlError("SQL needs the package @duckdb/node-api, which is not installed: npm install @duckdb/node-api", {
      cause,
    });
  }
}

/** Rows that are handed over at a time. */
const chunk = 1_000;

async function load(connection: DuckDBConnection, records: AsyncIterable<Found>): Promise<void> {
  const defined = columns.map(({ name, type }) => `"${name}" ${type}`).join(", ");
  await connection.run(`CREATE TABLE records (${defined})`);
  const appender = await connection.createAppender("records");
  let count = 0;
  for await (const found of records) {
    append(appender, found);
    count += 1;
    if (count % chunk === 0) appender.flushSync();
  }
  appender.closeSync();
  for (const [view, kind] of Object.entries(views)) {
    await connection.run(`CREATE VIEW ${view} AS SELECT * FROM records WHERE kind = '${kind}'`);
  }
}

function append(appender: DuckDBAppender, found: Found): void {
  for (const { of } of columns) {
    const value = of(found);
    if (value === null) appender.appendNull();
    else if (typeof value === "bigint") appender.appendBigInt(value);
    else appender.appendVarchar(value);
  }
  appender.endRow();
}

async function told<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SqlError) throw error;
    throw new SqlError(error instanceof Error ? error.message : String(error));
  }
}
