import { appendFile, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { recorder, write } from "../audit/decisions.js";
import { auditSegments } from "../harness/records.js";
import { exampleOn, optionsOn } from "./page.js";
import { countersign, temporaryFolder } from "./run.js";

const page = "docs/report.md";

const { folder, undo } = await temporaryFolder();
afterAll(undo);

let segment: string;
beforeAll(async () => {
  const ask = await recorder({
    "a.yaml": {
      agent: "deploy-manager",
      mode: "shadow",
      actions: [{ name: "deploy", allowed_environments: ["staging"], max_replicas: 50 }],
    },
  });
  const calls = await Promise.all([3, 80, 120].map((replicas) => ask({ params: { replicas } })));
  await mkdir(join(folder, "audit"));
  await write(join(folder, "audit"), [...calls, await ask({ environment: "production" })]);
  await mkdir(join(folder, "empty"));
  segment = (await auditSegments(join(folder, "audit")))[0] ?? "";
});

const report = (...args: string[]) => countersign(["report", ...args], { cwd: folder });

test("for people, as the page shows it", async () => {
  const { code, stdout, stderr } = await report("--audit", "audit");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(exampleOn(page));
});

test("the page names every option", async () => {
  const { stdout } = await report("--help");
  expect(optionsOn(page)).toEqual([...new Set(stdout.match(/--[a-z-]+/g))].filter((name) => name !== "--help").sort());
});

test("what agents chose cannot pose as something else on a terminal", async () => {
  const ask = await recorder({ "a.yaml": { agent: "deploy-manager", mode: "shadow", actions: [{ name: "other" }] } });
  await mkdir(join(folder, "hostile"));
  await write(join(folder, "hostile"), [await ask({ action: "\u001b[2Jdeploy\u202e\n0 decisions" })]);
  for (const by of [[], ["--by", "action"]]) {
    const { stdout } = await report("--audit", "hostile", ...by);
    expect(stdout).toContain("\\u{1b}[2Jdeploy\\u{202e}\\u{a}0 decisions");
    for (const raw of ["\u001b", "\u202e", "\n0 decisions"]) expect(stdout).not.toContain(raw);
  }
});

test("for a program", async () => {
  const { code, stdout } = await report(
    "--audit",
    segment,
    "--json",
    "--percent",
    "50",
    "--examples",
    "0",
    "--by",
    "agent",
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    decisions: 4,
    would_block: 3,
    rules: [
      { rule: "max_replicas", agent: "deploy-manager", would_block: 2, judged: 4, rate: 0.5, examples: [] },
      { rule: "allowed_environments" },
    ],
    thresholds: [{ rule: "max_replicas", agent: "deploy-manager", limit: 50, suggested: 80, percent: 50, values: 3 }],
    verified: false,
  });
});

test("a span of time", async () => {
  const { stdout } = await report(
    "--audit",
    "audit",
    "--from",
    "2026-03-01T12:00:03Z",
    "--to",
    "2026-03-01T13:00:04+01:00",
    "--json",
  );
  expect(JSON.parse(stdout)).toMatchObject({ decisions: 1, first: "2026-03-01T12:00:03.000Z" });
  const { code, stdout: none } = await report("--audit", "audit", "--from", "1s");
  expect({ code, none: none.split("\n")[0] }).toEqual({ code: 0, none: "0 decisions" });
});

test("a line that is being written is told and does not matter", async () => {
  await cp(join(folder, "audit"), join(folder, "growing"), { recursive: true });
  const [newest = ""] = await auditSegments(join(folder, "growing"));
  await appendFile(newest, '{"kind":');
  const { code, stdout } = await report("--audit", "growing");
  expect(code).toBe(0);
  expect(stdout).toContain(`${newest}:5: the last line is not finished and does not count\n`);
});

test("any other line that cannot be read ends it with 1 and its place", async () => {
  await cp(join(folder, "audit"), join(folder, "damaged"), { recursive: true });
  const [damaged = ""] = await auditSegments(join(folder, "damaged"));
  const lines = (await readFile(damaged, "utf8")).split("\n");
  await writeFile(damaged, lines.with(1, (lines[1] ?? "").slice(0, -5)).join("\n"));
  expect(await report("--audit", "audit", "damaged")).toEqual({
    code: 1,
    stdout: "",
    stderr: `countersign: ${damaged}:2: is not JSON in UTF-8\n`,
  });
});

test.each([
  [[], "error: required option '--audit <path...>' not specified"],
  [["--audit"], "argument missing"],
  [["--audit", "nowhere"], "countersign: nowhere does not exist"],
  [["--audit", "empty"], "countersign: there are no records there"],
  [["--audit", "audit", "--from", "soon"], "countersign: --from: write a time as 2026-03-01T00:00:00Z"],
  [["--audit", "audit", "--from", "1d", "--to", "2d"], "countersign: --from must be before --to"],
  [["--audit", "audit", "--by", "tool"], "countersign: --by: calls can be told apart by agent or by action"],
  [["--audit", "audit", "--examples", "many"], "countersign: --examples: must be a number from 0 to 100"],
  [["--audit", "audit", "--percent", "0"], "countersign: --percent: must be above 0 and at most 100"],
  [["--audit", "audit", "--percent", "100.1"], "countersign: --percent: must be"],
])("wrong use: %j", async (args, message) => {
  const { code, stdout, stderr } = await report(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});
