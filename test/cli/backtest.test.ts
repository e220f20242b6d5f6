import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { recorder, refusedBefore, write } from "../audit/decisions.js";
import { exampleOn, optionsOn } from "./page.js";
import { countersign, temporaryFolder } from "./run.js";

const page = "docs/backtest.md";

const { folder, undo } = await temporaryFolder();
afterAll(undo);

const policy = (rest: string) => `agent: deploy-manager\nactions:\n  - {name: deploy, ${rest}}\n`;

beforeAll(async () => {
  const ask = await recorder({ "a.yaml": policy("max_replicas: 50, max_pin: 5") });
  await mkdir(join(folder, "audit"));
  await mkdir(join(folder, "refused"));
  await mkdir(join(folder, "empty"));
  const calls = [{ replicas: 45 }, { replicas: 3, pin: 4 }, { replicas: 60 }, { replicas: 3, pin: 9 }];
  const records = await Promise.all(calls.map((params) => ask({ params })));
  await write(join(folder, "audit"), [...records, refusedBefore("credential_missing")]);
  await write(join(folder, "refused"), [refusedBefore("credential_missing")]);
  await writeFile(join(folder, "same.yaml"), policy("max_replicas: 50"));
  await writeFile(join(folder, "lower.yaml"), policy("max_replicas: 40, max_pin: 5"));
  await writeFile(join(folder, "higher.yaml"), policy("max_replicas: 90, max_pin: 5"));
  await writeFile(join(folder, "bad.yaml"), policy("max_replicas: many"));
});

const run = (policies: string, ...args: string[]) =>
  countersign(["backtest", "--policies", policies, "--audit", "audit", ...args], { cwd: folder });

test("for people, as the page shows it: each change on a line, then what is undecidable, then the sums", async () => {
  const { code, stdout, stderr } = await run("lower.yaml");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.replace(/sha256:[0-9a-f]{64}/, "sha256:...")).toBe(exampleOn(page));
});

test("the page names every option", async () => {
  const { stdout } = await countersign(["backtest", "--help"]);
  expect(optionsOn(page)).toEqual([...new Set(stdout.match(/--[a-z-]+/g))].filter((name) => name !== "--help").sort());
});

test("for a program: a line for each finding, then the summary", async () => {
  const { code, stdout } = await run("higher.yaml", "--json");
  expect(code).toBe(0);
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { change: "undecidable", decision_id: "decision-2", why: ["params.pin is masked"] },
    {
      change: "newly_allowed",
      decision_id: "decision-3",
      enforced: { before: { verdict: "deny", reason: "max_replicas" }, after: { verdict: "allow" }, differs: true },
    },
    { change: "undecidable", decision_id: "decision-4" },
    {
      summary: {
        policy_version: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
        replayed: 2,
        unchanged: 1,
        newly_allowed: 1,
        newly_denied: 0,
        changed: 0,
        undecidable: 2,
        could_be_allowed: 1,
        not_replayable: 1,
        aggregated: 0,
        torn: [],
      },
    },
  ]);
});

test.each([
  ["higher.yaml", [], 0],
  ["higher.yaml", ["--no-new-allows"], 1],
  ["higher.yaml", ["--no-new-allows", "--to", "2026-03-01T12:00:03Z"], 0],
  ["lower.yaml", ["--no-new-allows"], 0],
  ["lower.yaml", ["--no-new-allows", "--strict"], 1],
  ["lower.yaml", ["--no-new-allows", "--strict", "--to", "2026-03-01T12:00:04Z"], 0],
  ["lower.yaml", ["--no-new-allows", "--agent", "nobody"], 1],
  ["lower.yaml", ["--no-new-allows", "--from", "1s"], 1],
] as const)("%s with %j exits with %d", async (policies, args, wanted) => {
  expect((await run(policies, ...args)).code).toBe(wanted);
});

test("nothing that could be judged is no proof", async () => {
  const args = ["backtest", "--policies", "same.yaml", "--audit", "refused"];
  expect((await countersign(args, { cwd: folder })).code).toBe(0);
  expect((await countersign([...args, "--no-new-allows"], { cwd: folder })).code).toBe(1);
});

test("files that name no mode have the configuration's", async () => {
  expect((await countersign(["init", "--dir", "configured"], { cwd: folder })).code).toBe(0);
  const { stdout } = await run("lower.yaml", "--config", "configured/countersign.yaml");
  expect(stdout).toContain("1 newly denied");
  const { code, stdout: shadowed } = await countersign(
    ["backtest", "--policies", "lower.yaml", "--audit", "audit", "--config", "configured/countersign.yaml"],
    { cwd: folder, env: { COUNTERSIGN_MODE: "shadow" } },
  );
  expect({ code, allowed: shadowed.includes("2 newly allowed, 0 newly denied, 1 changed otherwise") }).toEqual({
    code: 0,
    allowed: true,
  });
});

test.each([
  [["--audit", "audit"], "error: required option '--policies <path>' not specified"],
  [["--policies", "same.yaml"], "error: required option '--audit <path...>' not specified"],
  [["--policies", "nowhere", "--audit", "audit"], "countersign: nowhere does not exist"],
  [["--policies", "bad.yaml", "--audit", "audit"], "bad.yaml:3:34: actions[0].max_replicas: expected a number"],
  [["--policies", "empty", "--audit", "audit"], "countersign: empty:1:1: there are no policies"],
  [["--policies", "same.yaml", "--audit", "empty"], "countersign: there are no records there"],
  [["--policies", "same.yaml", "--audit", "audit", "--strict"], "countersign: --strict goes with --no-new-allows"],
])("wrong use: %j", async (args, message) => {
  const { code, stdout, stderr } = await countersign(["backtest", ...args], { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});
