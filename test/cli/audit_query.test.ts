import { cp, mkdir, readdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { adminDraft, approvalDraft, decisionDraft, outcomeDraft, policyDraft } from "../audit/samples.js";
import { writeChain, writers } from "../audit_query/chains.js";
import { startProcess } from "../harness/process.js";
import { repository } from "../harness/programs.js";
import { cli, countersign, temporaryFolder } from "./run.js";

const { folder, undo } = await temporaryFolder();
afterAll(undo);

const hostile = "\u001b[2J\u202eevil\n| forged | row";
let lines: string[];
beforeAll(async () => {
  const decision = decisionDraft({ params: {} });
  const many = { count: 700, from: decision.timestamp, to: decision.timestamp, calls: [], others: 0 };
  lines = await writeChain(join(folder, "audit"), writers[0], [
    policyDraft("start"),
    adminDraft(),
    approvalDraft(),
    outcomeDraft(),
    decision,
    { ...decision, decision: "deny", reason: "max_replicas", mode: "shadow" },
    { ...decision, decision: "deny", enforced: "deny", reason: "rate_exceeded", aggregated: many },
    { ...decision, agent_id: "mallory", action: hostile, environment: hostile },
  ]);
});
const query = (...args: string[]) => countersign(["audit", "query", "--audit", "audit", ...args], { cwd: folder });

test("a table has a row for every kind of record", async () => {
  const { code, stdout, stderr } = await query();
  expect([code, stderr]).toEqual([0, ""]);
  const [head = "", ...rows] = stdout.trimEnd().split("\n");
  expect(head.split(/\s+/)).toEqual(["time", "kind", "agent", "what", "environment", "verdict", "reason", "id"]);
  const id = "01J9ZQ3V6C5R8N2K4M7P0T1S6Y";
  expect(rows.slice(1).map((row) => row.split(/\s{2,}/).slice(1))).toEqual([
    ["decision", "deploy-manager", "deploy-api:deploy", "staging", "deny", "rate_exceeded (700 calls)", id],
    ["decision", "deploy-manager", "deploy-api:deploy", "staging", "deny (allow)", "max_replicas", id],
    ["decision", "deploy-manager", "deploy-api:deploy", "staging", "allow", "allowed", id],
    ["outcome", "deploy-manager", "deploy-api:deploy", "staging", "succeeded", "status 200", id],
    ["approval", "deploy-manager", "alice@example.com", "-", "approve", "approved", "apr_1"],
    ["admin", "deploy-manager", "token_issued", "-", "-", "agent:deploy-manager", "-"],
    ["policy", "-", "-", "-", "loaded", "start", "-"],
  ]);
});

test("what agents wrote cannot act on a terminal", async () => {
  const mallory = ["--agent", "mallory"];
  for (const args of [mallory, [...mallory, "--sql", "SELECT action, environment, record FROM decisions"]]) {
    const { code, stdout } = await query(...args);
    expect([code, stdout.split("\n").length]).toEqual([0, 3]);
    expect(stdout).toContain("evil");
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
  expect((await query(...mallory, "--json")).stdout.split("\n")).toEqual([lines[7], ""]);
});

test("JSON lines are the records as they stand in their files, newest first", async () => {
  expect((await query("--json", "--kind", "decision", "--agent", "deploy-manager", "--limit", "2")).stdout).toBe(
    `${lines[6]}\n${lines[5]}\n`,
  );
  expect((await query("--limit", "1")).stderr).toBe("countersign: the newest 1; --limit shows more\n");
});

test("rows of SQL, as a table, JSON and CSV", async () => {
  const sql = [
    "--sql",
    "SELECT reason, sum(calls) AS calls FROM decisions WHERE decision = 'deny' GROUP BY 1 ORDER BY 2",
  ];
  expect((await query(...sql)).stdout).toMatch(/max_replicas +1\s+rate_exceeded +700/);
  expect((await query(...sql, "--json")).stdout).toBe(
    '{"reason":"max_replicas","calls":"1"}\n{"reason":"rate_exceeded","calls":"700"}\n',
  );
  expect((await query(...sql, "--csv")).stdout.replaceAll("\r", "")).toBe(
    '"reason","calls"\n"max_replicas","1"\n"rate_exceeded","700"\n',
  );
});

test.each<[string, string[], RegExp]>([
  ["a filter that is none", ["--kind", "thing"], /--kind: /],
  ["a limit that is none", ["--limit", "0"], /--limit: write a number from 1/],
  ["CSV of records", ["--csv"], /--csv goes with --sql alone/],
  ["a change", ["--sql", "DELETE FROM records"], /--sql: /],
  [
    "the engine's log",
    ["--sql", "SELECT * FROM enable_logging(storage='stdout')"],
    /enable_logging\(\) cannot be used/,
  ],
])("wrong use is refused: %s", async (_what, args, says) => {
  const { code, stdout, stderr } = await query(...args);
  expect([code, stdout, stderr]).toEqual([2, "", expect.stringMatching(says)]);
});

test.each([
  ["query", ["--agent", "a"]],
  ["scopes", []],
  ["answer", ["--deployment", "d", "--unverified"]],
])("audit %s names what copies a bucket", async (command, more) => {
  const { code, stderr } = await countersign(["audit", command, "--audit", "s3://records/a", ...more], { cwd: folder });
  expect(code).toBe(2);
  expect(stderr).toContain("countersign audit fetch s3://records/a DIR");
});

test("without the engine SQL says what to install, and filters work", async () => {
  const bare = join(folder, "bare");
  await cp(dirname(cli), join(bare, "dist"), { recursive: true });
  await cp(join(repository, "package.json"), join(bare, "package.json"));
  await cp(join(repository, "policies"), join(bare, "policies"), { recursive: true });
  await mkdir(join(bare, "node_modules"));
  const packages = (await readdir(join(repository, "node_modules"))).filter((name) => name !== "@duckdb");
  await Promise.all(
    packages.map((name) => symlink(join(repository, "node_modules", name), join(bare, "node_modules", name))),
  );
  const run = async (...args: string[]) => {
    const child = await startProcess({
      name: "countersign",
      command: process.execPath,
      args: [join(bare, "dist", "cli.js"), "audit", "query", "--audit", join(folder, "audit"), ...args],
      env: { NODE_OPTIONS: "" },
    });
    return { code: (await child.ended).code, stdout: child.stdout(), stderr: child.stderr() };
  };
  expect((await run("--kind", "policy", "--json")).code).toBe(0);
  expect(await run("--sql", "SELECT 1")).toEqual({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("@duckdb/node-api, which is not installed: npm install @duckdb/node-api"),
  });
});
