import { existsSync } from "node:fs";
import { columns, views } from "../../src/audit_query/columns.js";
import { Search, wantedBy } from "../../src/audit_query/search.js";
import { locks, runSql, SqlError } from "../../src/audit_query/sql.js";
import { scratch } from "../audit/samples.js";
import { decision, policyDraft, writeChain, writers } from "./chains.js";

const dir = scratch();
const sql = async (statement: string) => runSql(await Search.in([dir.path()], wantedBy({})), statement);

const aggregated = { count: 41, from: "2026-03-01T12:00:00Z", to: "2026-03-01T12:01:00Z", calls: [], others: 0 };
const hostile = { tool: { not: "a text" }, latency_us: "1; DROP TABLE records", reason: "'); DROP TABLE records; --" };

beforeEach(async () => {
  const drafts = [
    decision({
      decision_id: "d-1",
      latency_us: 10,
      human_approval: [{ approver: "alice", timestamp: "", approval_id: "a" }],
    }),
    decision({ decision_id: "d-2", latency_us: 30, decision: "deny", enforced: "deny", aggregated }),
    decision({ decision_id: "d-3", ...hostile, latency_us: 2 ** 60 }),
  ];
  await writeChain(dir.path(), writers[0], drafts);
  await writeChain(dir.path(), writers[1], [policyDraft("x".repeat(900_000))]);
});

test("counts, joins and looks into whole records", async () => {
  const counted = await sql(
    "SELECT decision, sum(calls) AS calls, min(latency_us) FROM decisions GROUP BY 1 ORDER BY 1",
  );
  expect(counted).toEqual({
    columns: ["decision", "calls", "min(latency_us)"],
    rows: [
      ["allow", "2", "10"],
      ["deny", "41", "30"],
    ],
    cut: false,
  });
  const inside =
    "SELECT record->>'$.opa_decision.policy_version' AS v, approver FROM decisions WHERE approver = 'alice'";
  expect((await sql(inside)).rows).toEqual([["sha256:9f2c", "alice"]]);
  expect((await sql("SELECT length(record->>'$.detail') FROM policies")).rows).toEqual([["900000"]]);
  expect((await sql("SELECT max(timestamp) FROM records")).rows).toEqual([["2026-01-02 03:04:05.678"]]);
});

test("no record changes the type of a column, or runs as a statement", async () => {
  const { rows } = await sql("SELECT tool, latency_us, reason FROM decisions WHERE decision_id = 'd-3'");
  expect(rows).toEqual([[null, null, hostile.reason]]);
  const described = await sql("SELECT column_name, column_type FROM (DESCRIBE records)");
  expect(described.rows).toEqual(columns.map(({ name, type }) => [name, type]));
  for (const view of Object.keys(views)) expect((await sql(`SELECT count(*) FROM ${view}`)).rows).toHaveLength(1);
});

const out = () => `${dir.path()}/out`;
test.each<[string, () => string]>([
  ["copy to a file", () => `COPY records TO '${out()}'`],
  ["a file of the system", () => "SELECT * FROM read_csv('/etc/passwd')"],
  ["text of a file", () => "SELECT * FROM read_text('/etc/passwd')"],
  ["a blob", () => "SELECT * FROM read_blob('/etc/passwd')"],
  ["a file by its name", () => "SELECT * FROM '/etc/passwd'"],
  ["a list of files", () => "SELECT * FROM glob('/*')"],
  ["JSON of a segment", () => `SELECT * FROM read_json_objects('${dir.path()}/*/*.jsonl')`],
  ["the network", () => "SELECT * FROM read_csv('http://127.0.0.1:1/x')"],
  ["another database", () => `ATTACH '${out()}' AS other`],
  ["an extension", () => "INSTALL httpfs"],
  ["loading one", () => "LOAD httpfs"],
  ["getting files back", () => "SET enable_external_access = true"],
  ["unlocking", () => "SET lock_configuration = false"],
  ["an export", () => `EXPORT DATABASE '${out()}'`],
  ["logging to a file", () => `CALL enable_logging(storage = 'file', storage_path = '${out()}')`],
  ["a secret", () => "CREATE PERSISTENT SECRET s (TYPE S3)"],
  ["the environment", () => "SELECT getenv('HOME')"],
  ["two statements", () => `SELECT 1; COPY records TO '${out()}'`],
  ["none", () => ""],
  ["a change", () => "DELETE FROM records"],
  ["no SQL", () => "give me all"],
])("refuses %s", async (_what, statement) => {
  await expect(sql(statement())).rejects.toThrow(SqlError);
  expect(existsSync(out())).toBe(false);
});

test.each([
  ["the log, to a file", () => `SELECT * FROM enable_logging(storage = 'file', storage_path = '${out()}')`],
  ["the log, to the terminal", () => "SELECT * FROM enable_logging(storage = 'stdout')"],
  ["the log, in capitals", () => "SELECT * FROM ENABLE_LOGGING()"],
  ["the log, further in", () => "WITH a AS (SELECT (SELECT count(*) FROM main.enable_logging())) SELECT * FROM a"],
  ["a text as a statement", () => "SELECT * FROM query('SELECT * FROM enable_logging()')"],
  ["the secrets", () => "SELECT * FROM duckdb_secrets()"],
])("a select with a function that does more than read is refused: %s", async (_what, statement) => {
  await expect(sql(statement())).rejects.toThrow(/cannot be used here/);
  expect(existsSync(out())).toBe(false);
});

test("even an engine that let them pass has no file system", async () => {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  for (const lock of locks) await connection.run(lock);
  const log = `SELECT * FROM enable_logging(storage = 'file', storage_path = '${out()}')`;
  await expect(connection.run(log)).rejects.toThrow(/LocalFileSystem disabled/);
  connection.closeSync();
});

test("functions that only read are there", async () => {
  const { rows } = await sql("SELECT value->>'$' FROM (VALUES ('[1, 2]')) AS t(list), json_each(list) ORDER BY 1");
  expect(rows).toEqual([["1"], ["2"]]);
});
