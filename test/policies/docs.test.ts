import { readFileSync } from "node:fs";
import { vocabulary } from "../../src/policies/condition/vocabulary.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { policySchema, writtenAction } from "../../src/policies/schema.js";

const text = readFileSync(new URL("../../docs/policies.md", import.meta.url), "utf8");
const examples = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, example]) => example ?? "");
const program = loadProgram();

/** Whatever the first cells of the tables name. */
const cells = [...text.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell]) => cell ?? "");
const named = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));

test("there are examples", () => expect(examples.length).toBeGreaterThan(5));

test.each(examples)("example %# loads", (example) => {
  expect(compilePolicySet([{ file: "p.yaml", text: example }], program, "enforce").files).toEqual(["p.yaml"]);
});

test("the examples load together too", () => {
  const texts = examples.map((example, i) => ({ file: `${i}.yaml`, text: example }));
  expect(compilePolicySet(texts, program, "enforce").files).toHaveLength(examples.length);
});

test("every key of a file and of an action has its row", () => {
  const keys = [
    ...Object.keys(policySchema.shape),
    ...Object.keys(writtenAction.shape),
    "rate",
    "burst",
    "daily_budget",
  ];
  expect(named).toEqual(expect.arrayContaining([...keys, "max_<param>", "min_<param>"]));
});

test("every name and field of a condition is there, and no other", () => {
  const section = /^## Conditions$(.*?)^\| operators /ms.exec(text)?.[1] ?? "";
  const quoted = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "");
  const told = [...section.matchAll(/^\| (`[^|]+) \|([^|]*)\|/gm)].flatMap(([, names, fields]) =>
    quoted(names).map((name) => [name, quoted(fields)]),
  );
  const known = Object.entries(vocabulary).map(([name, { fields }]) => [name, Object.keys(fields ?? {})]);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(known));
});

test("what is not in this version is refused", () => {
  const listed = /^## Not in this version\n\n(.*?)\./ms.exec(text)?.[1] ?? "";
  const keys = [...listed.matchAll(/`([a-z_]+)`/g)]
    .map(([, key]) => key)
    .filter((key) => key !== "sanitize" && key !== "redact");
  expect(keys).toHaveLength(10);
  for (const key of keys) {
    for (const file of [`agent: a\nactions: [{name: x, ${key}: 1}]`, `agent: a\nactions: []\n${key}: 1`]) {
      expect(() => compilePolicySet([{ file: "p.yaml", text: file }], program, "enforce")).toThrow("unknown key");
    }
  }
});
