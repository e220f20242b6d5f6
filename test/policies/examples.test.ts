import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCatalogue } from "../../src/decode/catalogue.js";
import { createEngine } from "../../src/evaluate/engine.js";
import { compilePolicySet, type PolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { readCases } from "../../src/policy_tools/cases/read.js";
import { failureText, passed, runCases } from "../../src/policy_tools/cases/run.js";
import { withJudges } from "../../src/policy_tools/judges.js";
import { findingText, lintPolicies } from "../../src/policy_tools/lint/lint.js";
import { parsePeopleFile } from "../../src/registry/people_file.js";
import { readPolicies } from "../../src/workspace/policies.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository } from "../harness/programs.js";

const folder = join(repository, "policies/examples");
const examples = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? entry.name : [],
);
const readme = readFileSync(join(folder, "README.md"), "utf8");
const program = loadProgram();
const read = (...path: string[]): string => readFileSync(join(folder, ...path), "utf8");
const people = parsePeopleFile("people.yaml", read("people.yaml")).map(({ person }) => person);

test("the page names every example, and no other", () => {
  const named = [...readme.matchAll(/^\| \[`([a-z-]+)`\]\(\1\) \|/gm)].map(([, name]) => name ?? "");
  expect([...named].sort()).toEqual(examples);
  expect(examples.length).toBeGreaterThan(5);
});

const opa = await requirePart("opa", findOpa);
const hasRego = (example: string) =>
  readdirSync(join(folder, example, "policies")).some((name) => name.endsWith(".rego"));

describe.each(examples.filter((example) => !hasRego(example)))("%s", testsOf);

for (const example of examples.filter(hasRego)) {
  describeWith(opa, example, (use) => {
    beforeAll(() => {
      process.env.OPA_BIN ??= use().program;
    });
    testsOf(example);
  });
}

function testsOf(example: string): void {
  const texts = readPolicies(join(folder, example, "policies"));
  const catalogue = loadCatalogue("tools.yaml", read(example, "tools.yaml"));
  const compiled = (): Promise<PolicySet> => compilePolicySet(texts, program, "enforce");

  test("has nothing that a check would warn of", async () => {
    const found = lintPolicies(texts, await compiled(), {
      catalogue,
      people,
      agents: null,
      engine: createEngine(program),
    });
    expect(found.map(findingText)).toEqual([]);
  });

  test("decides as its cases say", async () => {
    const names = readdirSync(join(folder, example, "policies/cases"));
    const files = names.map((file) => ({ file, text: read(example, "policies/cases", file) }));
    const cases = readCases(files, new Set(catalogue.tools.map(({ name }) => name)));
    const results = await withJudges(await compiled(), program, (judges) => runCases(cases, judges));
    expect(results.filter((result) => !passed(result)).map(failureText)).toEqual([]);
    const verdicts = new Set(results.map(({ got }) => got?.decision));
    expect(verdicts.has("deny") && (verdicts.has("allow") || verdicts.has("sanitize"))).toBe(true);
    expect(cases.length).toBeGreaterThan(5);
  });
}
