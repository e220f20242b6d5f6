import { InvalidFile } from "../../src/files/located_yaml.js";
import { readCases } from "../../src/policy_tools/cases/read.js";
import { failureText, passed, runCases } from "../../src/policy_tools/cases/run.js";
import { updatedText } from "../../src/policy_tools/cases/update.js";
import { withJudges } from "../../src/policy_tools/judges.js";
import { policies, program } from "./fixture.js";

const set = policies({
  "deploy.yaml": `agent: bot
tools: [deploy-api]
actions:
  - name: deploy
    allowed_environments: [staging]
    approval_needed: env == "production"
    approval: {approvers: [sre], quorum: 2, expires_in: 60s, escalate: {after: 30s, to: [leads]}}
    max_replicas: 50
    min_replicas: {value: 2, mode: shadow}
    dlp: {ssn: tag}
    cost: {base: 1, per: {replicas: 0.5}}
  - name: export
    sanitize: {headers: {remove: [x-debug], set: {x-scope: own}}}
`,
});

const shared = "input: {agent: bot, tool: deploy-api, action: deploy, environment: staging}\ncases:\n";

async function results(text: string) {
  const cases = readCases([{ file: "c.yaml", text }]);
  return withJudges(set, program, (judges) => runCases(cases, judges));
}

/** What is told of one case; empty when it passes. */
async function told(input: string, want: string): Promise<string> {
  const [result] = await results(`${shared}  - {description: one, input: ${input}, want: ${want}}\n`);
  if (!result) throw new Error("no result");
  return passed(result) ? "" : failureText(result);
}

test.each([
  ["{params: {replicas: 20}}", "{decision: allow, enforced: allow, reason: allowed, violations: [], tags: []}"],
  ["{params: {replicas: 20}}", "{cost: 11}"],
  ["{params: {replicas: 200}}", "{decision: deny, violations: [{rule: max_replicas, limit: 50, actual: 200}]}"],
  ["{params: {replicas: 200}}", '{violations: [{message: "replicas 200 is above max_replicas 50"}]}'],
  ["{params: {replicas: 1}}", "{decision: deny, enforced: allow, reason: min_replicas}"],
  ["{environment: production}", "{decision: approval_needed, terms: {approvers: [[sre]], quorum: 2}}"],
  ["{environment: production}", "{terms: {expires_in: 1m}}"],
  ["{environment: production}", "{terms: {escalate: {after: 30000ms, to: [leads]}}}"],
  ["{environment: production}", "{terms: {escalate: {approvers: [[leads, sre]]}}}"],
  ["{environment: production, approval: true}", "{decision: allow}"],
  ["{environment: null}", "{decision: deny, reason: allowed_environments}"],
  ["{params: {note: ssn 536-90-4399}}", "{tags: [ssn]}"],
  ["{action: export}", "{decision: sanitize, sanitize: {headers: {set: {x-scope: own}}}}"],
  ["{action: export}", "{sanitize: {headers: {remove: [x-debug]}, query: {set: {}}}}"],
  ["{agent: other}", "{reason: no_policy}"],
])("%s passes with %s", async (input, want) => expect(await told(input, want)).toBe(""));

test.each([
  ["{params: {replicas: 20}}", "{decision: deny}", "decision\n    wanted: deny\n    got:    allow"],
  ["{params: {replicas: 1}}", "{enforced: deny}", "enforced\n    wanted: deny\n    got:    allow"],
  ["{params: {replicas: 200}}", "{violations: []}", 'got:    [{"rule":"max_replicas","param":"replicas"'],
  ["{params: {replicas: 200}}", "{violations: [{limit: 51}]}", 'wanted: [{"limit":51}]'],
  ["{}", "{violations: [{rule: max_replicas}]}", "got:    []"],
  ["{action: export}", "{sanitize: {headers: {set: {x-scope: all}}}}", '"x-scope":"own"'],
  ["{}", "{tags: [ssn]}", "tags"],
  ["{}", "{cost: 2}", "cost\n    wanted: 2\n    got:    1"],
  ["{environment: production}", "{terms: {expires_in: 2m}}", '"expires_in":"1m"'],
  ["{environment: production}", "{terms: {hold: 2m}}", "terms"],
  ["{environment: production}", "{terms: {escalate: {after: 1m}}}", '"after":"30s"'],
  ["{environment: production}", "{terms: {escalate: {to: [sre]}}}", '"to":["leads"]'],
])("%s fails with %s", async (input, want, difference) => {
  const text = await told(input, want);
  expect(text).toMatch(/^c\.yaml:3: one\n {2}/);
  expect(text).toContain(difference);
});

test("a case without an answer fails, and says why", async () => {
  const forged = { ...set, documentOf: () => ({ ...set.documentOf("bot"), id: "elsewhere", document: {} as never }) };
  const cases = readCases([{ file: "c.yaml", text: `${shared}  - {description: one, want: {decision: deny}}` }]);
  const [result] = await withJudges(forged, program, (judges) => runCases(cases, judges));
  expect(result && passed(result)).toBe(false);
  expect(result && failureText(result)).toMatch(/^c\.yaml:3: one\n {2}the policies gave no answer: /);
});

test.each([
  [`${shared}  - {description: a, want: {decision: maybe}}`, "c.yaml:3:39: cases[0].want.decision: expected one of"],
  [`${shared}  - {description: a, want: {decison: deny}}`, "c.yaml:3:38: cases[0].want.decison: unknown key"],
  [`${shared}  - {description: a}`, "c.yaml:3:5: cases[0].want: missing"],
  [`${shared}  - {want: {}}`, "cases[0].description: missing"],
  [`${shared}  - {description: a, input: {tool: null}, want: {}}`, "c.yaml:3:36: cases[0].input.tool: say which tool"],
  ["cases: [{description: a, want: {}}]", "c.yaml:1:9: cases[0]: say which agent calls"],
  ["cases: []", "c.yaml:1:8: cases: must not be an empty list"],
  ["input: {agnet: a}\ncases: [{description: a, want: {}}]", "c.yaml:1:16: input.agnet: unknown key"],
  [
    "input: {image: a, agent: b, tool: t, action: x, images: [c]}\ncases: [{description: a, want: {}}]",
    "input.images: ",
  ],
])("%s: %s", (text, wanted) => {
  expect(() => readCases([{ file: "c.yaml", text }])).toThrow(InvalidFile);
  expect(() => readCases([{ file: "c.yaml", text }])).toThrow(wanted);
});

test("a tool that the catalogue does not have is a mistake, where the case or the file names it", () => {
  const text = `${shared}  - {description: a, want: {}}\n  - {description: b, input: {tool: deploi}, want: {}}`;
  expect(() => readCases([{ file: "c.yaml", text }], new Set(["other"]))).toThrow(
    "c.yaml:1:27: input.tool: the catalogue has no tool deploy-api\nc.yaml:4:36: cases[1].input.tool: the catalogue has no tool deploi",
  );
});

test("an update writes what came and leaves the rest as it was", async () => {
  const before = `# top
${shared}  # first
  - description: "passes"   # stays
    want:   {decision: allow}
  - description: one line
    input: {params: {replicas: 200}}
    want: {decision: allow, violations: [], reason: max_replicas}  # why

  - description: blocks
    input: {params: {replicas: 200}}
    want:
      reason: "allowed"
      violations:
        - rule: min_replicas   # gone with what it is about
          message: x
        # last
  - description: more
    input: {action: export}
    want:
      sanitize:
        headers:
          set: {x-scope: all}
      tags: [ssn]
`;
  const after = before
    .replace(
      "{decision: allow, violations: [], ",
      "{decision: deny, violations: [{rule: max_replicas, param: replicas, limit: 50, actual: 200}], ",
    )
    .replace('"allowed"', "max_replicas")
    .replace(
      /- rule: min_replicas.*\n.*\n/,
      "- rule: max_replicas\n          param: replicas\n          limit: 50\n          actual: 200\n          message: replicas 200 is above max_replicas 50\n",
    )
    .replace("set: {x-scope: all}", "set:\n            x-scope: own")
    .replace("tags: [ssn]", "tags: []");
  const updated = updatedText(before, await results(before));
  expect(updated).toBe(after);
  expect((await results(updated)).every(passed)).toBe(true);
  expect(updatedText(updated, await results(updated))).toBe(updated);
});
