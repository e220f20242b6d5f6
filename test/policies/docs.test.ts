import { readFileSync } from "node:fs";
import { detectors } from "../../src/dlp/detectors.js";
import { vocabulary } from "../../src/policies/condition/vocabulary.js";
import { paramTypes } from "../../src/policies/document.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { ruleKeys } from "../../src/policies/rules/table.js";
import { policySchema, writtenAction } from "../../src/policies/schema.js";
import { findOpa } from "../harness/find_opa.js";
import { jsonSchemas } from "../harness/json_schemas.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { policySetOf } from "../harness/policy_set.js";

const text = readFileSync(new URL("../../docs/policies.md", import.meta.url), "utf8");
const blocks = (language: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "gms"))].map(([, block]) => block ?? "");
const examples = blocks("yaml");
const modules = blocks("rego").map((module, i) => ({ file: `${i}.rego`, text: module }));
const plain = examples.filter((example) => !/^ *rego:/m.test(example));
const program = loadProgram();
const opa = await requirePart("opa", findOpa);

/** Whatever the first cells of the tables name. */
const cells = [...text.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell]) => cell ?? "");
const named = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));

test("there are examples", () => expect(plain.length).toBeGreaterThan(10));

test.each(plain)("example %# loads", async (example) => {
  const set = await compilePolicySet([{ file: "p.yaml", text: example }], program, "enforce");
  expect(set.files).toEqual(["p.yaml"]);
});

describeWith(opa, "the examples with Rego", (use) => {
  test("load together with the others", async () => {
    process.env.OPA_BIN ??= use().program;
    const texts = [...examples.map((example, i) => ({ file: `${i}.yaml`, text: example })), ...modules];
    const set = await compilePolicySet(texts, program, "enforce");
    expect(set.files).toHaveLength(examples.length + modules.length);
    expect(set.rego?.packages).toEqual(["agent.deploy"]);
  });
});

/** One section of the page, without those below it. */
const page = (title: string): string => text.split(/^#+ /m).find((part) => part.startsWith(`${title}\n`)) ?? "";

/** Every key that the published schema of policies has, however deep. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties = {}, ...rest } = schema as { properties?: object };
  const below = [...Object.values(properties), ...Object.values(rest)].flatMap(keysOf);
  return [...Object.keys(properties), ...below];
}

test("every key of the schema has its row", () => {
  const keys = [...Object.keys(policySchema.shape), ...Object.keys(writtenAction.shape), ...Object.keys(ruleKeys)];
  expect(named).toEqual(expect.arrayContaining([...keys, "max_<param>", "min_<param>"]));
  const schema = jsonSchemas().find(({ path }) => path.endsWith("policy.schema.json"))?.schema;
  const deep = [...new Set(keysOf(schema))].filter((key) => !text.includes(`\`${key}\``) && !text.includes(`${key}:`));
  expect(keysOf(schema).length).toBeGreaterThan(40);
  expect(deep).toEqual([]);
});

test("every key that the page has a row for is in the schema", () => {
  const schema = jsonSchemas().find(({ path }) => path.endsWith("policy.schema.json"))?.schema;
  const known = new Set([...keysOf(schema), "max_<param>", "min_<param>"]);
  const sections = ["Keys of a file", "Keys of an action", "Limits"].map(
    (title) => new RegExp(`^## ${title}\n(.*?)^## `, "ms").exec(`${text}\n## `)?.[1] ?? "",
  );
  const rows = sections.flatMap((section) =>
    [...section.matchAll(/^\| ((?:`[^`]+`(?:, )?)+) \|/gm)].map(([, c]) => c ?? ""),
  );
  const keys = rows.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ""));
  const actions = ["redact", "deny", "tag"];
  expect(keys.length).toBeGreaterThan(40);
  expect(keys.filter((key) => !known.has(key) && !actions.includes(key))).toEqual([]);
});

test("every type and every detector is named", () => {
  const all = [...paramTypes, ...detectors.keys()];
  expect(all.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test("the order of the rules is that of the table of keys", () => {
  const order = [...text.matchAll(/^\d+\. `([a-z_<>]+)`/gm)].map(([, rule]) => rule ?? "");
  const ofActions = Object.keys(ruleKeys);
  expect(order.filter((rule) => ofActions.includes(rule))).toEqual(ofActions);
  expect(order).toHaveLength(ofActions.length + 7);
});

test("the reasons of `require` are told in the order in which they are found", () => {
  const text = `{agent: a, actions: [{name: x, require: {clearance: {pii: t}, no_anomalies: true, integrity: clean, roles: [r]}}]}`;
  const rules = policySetOf({ "p.yaml": text }, program).documentOf("a").document.files[0]?.actions[0]?.rules ?? [];
  const reasons = rules.map(({ rule }) => rule.replace("_pii", "_<classification>"));
  expect([...page("Sessions").matchAll(/\| `(session_[a-z_<>]+)` \|$/gm)].map(([, reason]) => reason)).toEqual(reasons);
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
