import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { loadProgram } from "../../src/policies/program.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository, run } from "../harness/programs.js";
import { type Case, sampleCases } from "./cases.js";

const opa = await requirePart("opa", findOpa);
const seed = 20_260_728;

/** All cases in one process of the real OPA. No decision is an empty list. */
async function askOpa(program: string, cases: readonly Case[]): Promise<unknown[][]> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-rego-"));
  try {
    await writeFile(join(folder, "cases.json"), JSON.stringify({ cases }));
    const query =
      "some i, c in data.cases; d = data.countersign.decision with input as c.input with data.policies as c.policies";
    const files = ["-d", join(repository, "policies/rego"), "-d", join(folder, "cases.json")];
    const said = JSON.parse(await run(program, ["eval", "--format", "json", ...files, query]));
    const answers: unknown[][] = cases.map(() => []);
    for (const { bindings } of said.result) answers[bindings.i]?.push(bindings.d);
    return answers;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** One instance for all, as in the server: what one call leaves behind must not reach the next. */
function askWasm(cases: readonly Case[]): unknown[][] {
  const instance = loadProgram().instantiate();
  return cases.map(({ policies, input }) => {
    instance.setData({ policies });
    return (instance.evaluate(input) as { result: unknown }[]).map(({ result }) => result);
  });
}

describeWith(opa, "OPA and the WebAssembly program", (use) => {
  test("give the same answers to random calls under random policies", async () => {
    const cases = sampleCases(500, seed);
    const wanted = await askOpa(use().program, cases);
    const given = askWasm(cases);
    const first = cases.findIndex((_, i) => !isDeepStrictEqual(given[i], wanted[i]));
    expect(first < 0 ? null : { ...cases[first], opa: wanted[first], wasm: given[first] }).toBeNull();
    expect(cases.length).toBeGreaterThan(400);
  });
});

test("the random cases reach every verdict and every kind of rule", () => {
  const views = askWasm(sampleCases(500, seed)).flatMap(([result]) =>
    result === undefined ? [] : (result as { decision: View }).decision,
  );
  expect(new Set(views.map(({ verdict }) => verdict))).toEqual(
    new Set(["allow", "deny", "sanitize", "approval_needed"]),
  );
  const rules = new Set(views.flatMap(({ violations }) => violations.map(({ rule }) => rule)));
  expect([...rules].sort()).toEqual([
    "action_not_allowed",
    "allowed_environments",
    "allowed_images",
    "approval_needed",
    "condition_error",
    "deny_actions",
    "max_n",
    "max_s",
    "min_n",
    "no_policy",
  ]);
});

interface View {
  verdict: string;
  violations: { rule: string }[];
}
