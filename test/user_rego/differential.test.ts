import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { compileRego } from "../../src/rego/compile.js";
import { suppliedTo } from "../../src/rego/generated.js";
import { createRegoPool } from "../../src/rego/pool.js";
import { findOpa } from "../harness/find_opa.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { run } from "../harness/programs.js";
import { deploy } from "./policies.js";

const opa = await requirePart("opa", findOpa);
const seed = Math.floor(Date.now() / 86_400_000);

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const attestation = fc.record(
  {
    anomalies_detected: fc.constantFrom<unknown>(true, false, null, "false"),
    session_integrity: fc.constantFrom("clean", "suspect"),
    role: fc.constantFrom("senior-engineer", "platform-lead", "intern"),
    clearance: fc.constantFrom("tier-1", "tier-2"),
    data_classification: fc.subarray(["pii", "config"]),
  },
  { requiredKeys: [] },
);
const flags = fc.record(
  { artifact_signed: fc.constantFrom<unknown>(true, false, "true"), tests_passed: fc.boolean() },
  { requiredKeys: [] },
);
const inputs = fc.record({
  environment: maybe(fc.constantFrom<unknown>("staging", "production", "dev", 7)),
  action: maybe(fc.constantFrom("deploy", "iam:CreateRole", "secretsmanager:PutSecretValue")),
  facts: maybe(flags),
  params: maybe(flags),
  session: maybe(fc.record({ bound: fc.constantFrom<unknown>(true, true, true, false, "true") })),
  session_attestation: maybe(fc.oneof<fc.Arbitrary<unknown>[]>(attestation, fc.constantFrom(null, "x", []))),
});

describeWith(opa, "users' Rego in the threads and in the real OPA", (use) => {
  test("says the same of random inputs", async () => {
    const asked: unknown[] = JSON.parse(JSON.stringify(fc.sample(inputs, { numRuns: 2_000, seed })));
    const folder = await mkdtemp(join(tmpdir(), "countersign-rego-"));
    const pool = createRegoPool({
      deadlineMs: 5_000,
      maxQueued: asked.length,
      maxQueuedInAll: asked.length,
      maxWaitMs: 120_000,
    });
    try {
      const rego = await compileRego([deploy], ["agent.deploy"], { opa: use().program });
      const answers = await Promise.all(asked.map((input) => pool.evaluate(rego, ["agent.deploy"], input, "a")));

      await writeFile(join(folder, "deploy.rego"), deploy.text);
      await writeFile(join(folder, "supplied.rego"), suppliedTo("agent.deploy"));
      await writeFile(join(folder, "inputs.json"), JSON.stringify({ inputs: asked }));
      const rules = ["deny", "requires_human_approval", "allow"].map(
        (rule) => `"${rule}": [true | data.agent.deploy.${rule}]`,
      );
      const query = `[answer | some input_ in data.inputs; answer := {${rules.join(", ")}} with input as input_]`;
      const said = JSON.parse(await run(use().program, ["eval", "--format", "json", "--data", folder, query]));
      const wanted = (said.result[0].expressions[0].value as Record<string, true[]>[]).map((answer) =>
        Object.fromEntries(Object.entries(answer).map(([rule, holds]) => [rule, holds.length > 0])),
      );
      const differing = asked.flatMap((input, i) =>
        JSON.stringify(sorted(answers[i]?.["agent.deploy"])) === JSON.stringify(sorted(wanted[i]))
          ? []
          : [{ seed, input, got: answers[i], wanted: wanted[i] }],
      );
      expect(differing.slice(0, 1)).toEqual([]);
      expect(wanted).toHaveLength(asked.length);
      for (const rule of ["deny", "requires_human_approval", "allow"]) {
        expect(new Set(wanted.map((answer) => answer[rule]))).toEqual(new Set([true, false]));
      }
    } finally {
      await pool.close();
      await rm(folder, { recursive: true });
    }
  });
});

function sorted(answer: object = {}): [string, unknown][] {
  return Object.entries(answer).sort();
}
