import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DecisionRecord } from "../../src/audit/record.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { countersign, temporaryFolder } from "./run.js";

const opa = await requirePart("opa", findOpa);
const { folder, undo } = await temporaryFolder();
const cases = `input: {agent: bot, tool: deploy-api, action: deploy}   # all of them
cases:
  - description: few
    input: {params: {replicas: 5}}
    want: {decision: allow}
  - description: many
    input: {params: {replicas: 500}}
    want: {decision: allow}   # no
`;
beforeAll(async () => {
  await mkdir(join(folder, "policies", "cases"), { recursive: true });
  await mkdir(join(folder, "rego", "cases"), { recursive: true });
  await writeFile(join(folder, "policies", "p.yaml"), "agent: bot\nactions:\n  - {name: deploy, max_replicas: 50}\n");
  await writeFile(join(folder, "policies", "cases", "a.yaml"), cases);
  await writeFile(join(folder, "policies", "cases", "notes.txt"), "no case");
  await writeFile(join(folder, "call.yaml"), "{agent: bot, tool: deploy-api, action: deploy, params: {replicas: 500}}");
});
afterAll(undo);

const run = (...args: string[]) => countersign(["policy", ...args], { cwd: folder });

describe("test", () => {
  test("what fails is told with its place, and ends with status 1", async () => {
    expect(await run("test", "policies")).toEqual({
      code: 1,
      stdout: "policies/cases/a.yaml:6: many\n  decision\n    wanted: allow\n    got:    deny\n1 passed, 1 failed\n",
      stderr: "",
    });
  });

  test("for a program", async () => {
    const { code, stdout } = await run("test", "policies", "--cases", "policies/cases/a.yaml", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      policy_version: expect.stringMatching(/^sha256:/),
      passed: 1,
      failed: 1,
      failures: [
        {
          file: "policies/cases/a.yaml",
          line: 6,
          description: "many",
          differences: [{ key: "decision", wanted: "allow", got: "deny" }],
        },
      ],
    });
  });

  test("an update mends the wanted value and nothing else", async () => {
    await writeFile(join(folder, "copy.yaml"), cases);
    expect((await run("test", "policies", "--cases", "copy.yaml", "--update")).code).toBe(0);
    expect(readFileSync(join(folder, "copy.yaml"), "utf8")).toBe(
      cases.replace("{decision: allow}   # no", "{decision: deny}   # no"),
    );
    expect(await run("test", "policies", "--cases", "copy.yaml")).toEqual({
      code: 0,
      stdout: "2 passed, 0 failed\n",
      stderr: "",
    });
  });

  test("a tool that the catalogue does not have is wrong use", async () => {
    const tools = "tools: [{name: other, match: {hosts: [h], path: /}, action: x}]";
    await writeFile(join(folder, "tools.yaml"), tools);
    const { code, stderr } = await run("test", "policies", "--tools", "tools.yaml");
    expect(code).toBe(2);
    expect(stderr).toContain("policies/cases/a.yaml:1:27: input.tool: the catalogue has no tool deploy-api");
  });
});

describeWith(opa, "test, with Rego", (use) => {
  test("the user's Rego is asked too", async () => {
    await writeFile(join(folder, "rego", "p.yaml"), "agent: bot\nrego: [agent.deploy]\n");
    await writeFile(
      join(folder, "rego", "p.rego"),
      "package agent.deploy\n\nallow if input.params.replicas < 10\n\nrequires_human_approval if input.params.replicas == 10\n",
    );
    const rows = [
      [5, "allow"],
      [10, "approval_needed"],
      [11, "deny"],
    ].map(
      ([replicas, decision]) =>
        `  - {description: "${replicas}", input: {params: {replicas: ${replicas}}}, want: {decision: ${decision}}}\n`,
    );
    const text = `input: {agent: bot, tool: t, action: deploy}\ncases:\n${rows.join("")}`;
    await writeFile(join(folder, "rego", "cases", "a.yaml"), text);
    const env = { OPA_BIN: use().program };
    expect(await countersign(["policy", "test", "rego"], { cwd: folder, env })).toEqual({
      code: 0,
      stdout: "3 passed, 0 failed\n",
      stderr: "",
    });
  });
});

describe("explain", () => {
  test("a written call, for people and for programs", async () => {
    const { code, stdout } = await run("explain", "policies", "--input", "call.yaml");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^deny \(max_replicas\) for bot, deploy-api, action deploy\n/);
    const { stdout: json } = await run("explain", "policies", "--input", "call.yaml", "--json");
    expect(JSON.parse(json)).toMatchObject({
      decision: { verdict: "deny", reason: "max_replicas" },
      enforced: { verdict: "deny" },
      files: [{ file: "p.yaml", entries: [{ name: "deploy", rules: [{ rule: "max_replicas", satisfied: false }] }] }],
      others: [],
      masked: [],
    });
  });

  test("a recorded call", async () => {
    const record: Partial<DecisionRecord> = {
      kind: "decision",
      decision_id: "01D",
      timestamp: "2026-03-01T14:22:00.000Z",
      agent_id: "bot",
      tool: "deploy-api",
      action: "deploy",
      environment: null,
      decision: "allow",
      enforced: "allow",
      mode: "enforce",
      reason: "allowed",
      opa_decision: recorded({ replicas: 60, note: "[secret]" }),
    };
    const refused = { ...record, decision_id: "01R", reason: "token_expired", opa_decision: null };
    await mkdir(join(folder, "audit"));
    const lines = [record, refused].map((one) => `${JSON.stringify(one)}\n`).join("");
    await writeFile(join(folder, "audit", "000000000001.jsonl"), lines);
    const explain = (id: string) => run("explain", "policies", "--audit", "audit/000000000001.jsonl", "--decision", id);
    const { code, stdout, stderr } = await explain("01D");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^deny \(max_replicas\)/);
    expect(stdout).toMatch(/masked in the record, and judged as it stands there: params.note\n$/);
    expect(await explain("01R")).toMatchObject({ code: 2, stderr: expect.stringContaining("refused (token_expired)") });
    expect(await explain("01X")).toMatchObject({ code: 2, stderr: expect.stringContaining("no decision 01X") });
  });
});

function recorded(params: { [name: string]: string | number }): DecisionRecord["opa_decision"] {
  const view = {
    verdict: "allow",
    reason: "allowed",
    violations: [],
    sanitize: [],
    redact: [],
    terms: [],
    redeems: false,
  };
  return {
    policy_version: "sha256:0",
    input: {
      agent: { id: "bot", scopes: [], roles: [] },
      tool: "deploy-api",
      action: "deploy",
      images: [],
      params,
      destination: { host: "d.internal", port: 443, scheme: "https" },
      http: { method: "POST", path: "/", query: {}, headers: {} },
      facts: {},
      session: { id: "open:bot", bound: false },
      time: { unix_ms: 0 },
    },
    result: { decision: view, enforced: view, tags: [], costs: [] },
  };
}

describe("diff", () => {
  test("folders, files and bundles; the status says nothing unless asked", async () => {
    await writeFile(join(folder, "p.yaml"), "agent: bot\nactions:\n  - {name: deploy, max_replicas: 60}\n");
    expect((await run("build", "policies", "-o", "old.tar.gz")).code).toBe(0);
    const line = "bot, p.yaml, action deploy: max_replicas 50 -> 60 (looser)\n";
    expect(await run("diff", "old.tar.gz", "p.yaml")).toEqual({ code: 0, stdout: line, stderr: "" });
    expect(await run("diff", "policies", "p.yaml", "--exit-code")).toEqual({ code: 1, stdout: line, stderr: "" });
    expect(await run("diff", "old.tar.gz", "policies", "--exit-code")).toEqual({
      code: 0,
      stdout: "no difference\n",
      stderr: "",
    });
    const { stdout } = await run("diff", "policies", "p.yaml", "--json");
    expect(JSON.parse(stdout)).toEqual({
      before: expect.stringMatching(/^sha256:/),
      after: expect.stringMatching(/^sha256:/),
      agents: ["*", "bot"],
      changes: [{ agents: ["bot"], file: "p.yaml", action: "deploy", what: "max_replicas 50 -> 60", effect: "looser" }],
    });
  });
});

describe("lint", () => {
  test("warnings fail only when asked", async () => {
    await writeFile(join(folder, "odd.yaml"), "agent: bot\nmode: shadow\nactions: [{name: x, allowed_images: []}]\n");
    const { code, stdout } = await run("lint", "odd.yaml");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^odd.yaml:2:7: note: mode: this file is in shadow \(shadow\)\nodd.yaml:3:37: warning: .* \(empty-list\)\n1 file, 1 agent, no mistakes, 1 warning: sha256:/,
    );
    expect((await run("lint", "odd.yaml", "--strict")).code).toBe(1);
    expect((await run("lint", "policies", "--strict")).code).toBe(0);
    const { findings } = JSON.parse((await run("lint", "odd.yaml", "--json")).stdout);
    expect(findings).toEqual([
      expect.objectContaining({ check: "shadow", level: "note", line: 2, column: 7, path: "mode" }),
      expect.objectContaining({ check: "empty-list", level: "warning", line: 3, column: 37 }),
    ]);
  });

  test("agents are those of --agents, and of the configuration with its own policies", async () => {
    await writeFile(join(folder, "agents.yaml"), "agents: [{id: other}]");
    const words = "p.yaml:1:8: warning: agent: no agent bot is registered";
    expect((await run("lint", "policies", "--agents", "agents.yaml")).stdout).toContain(words);
    expect((await run("lint", "policies")).stdout).not.toContain("registered");
    await writeFile(join(folder, "countersign.yaml"), "policies: ./policies\nagents: ./agents.yaml\n");
    expect((await run("lint")).stdout).toContain(words);
    await writeFile(join(folder, "known.yaml"), "agents: [{id: bot}]");
    expect((await run("lint", "--agents", "known.yaml")).stdout).not.toContain("registered");
    expect(await run("lint", "--agents", "none.yaml")).toMatchObject({
      code: 2,
      stderr: "countersign: none.yaml does not exist\n",
    });
  });

  test("policies in a folder below are told of", async () => {
    await mkdir(join(folder, "deep", "team"), { recursive: true });
    await writeFile(join(folder, "deep", "p.yaml"), "agent: bot\nactions: [{name: x}]\n");
    await writeFile(join(folder, "deep", "team", "q.yaml"), "guardrail: true\ndeny_actions: [x]\n");
    const { code, stdout } = await run("lint", "deep");
    expect([code, stdout]).toEqual([
      1,
      "deep/team:1:1: policies in a folder below are not read: put them beside the others (only `cases` stays)\n",
    ]);
  });
});
