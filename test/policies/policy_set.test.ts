import { compilePolicySet, type PolicyText } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import type { Mode } from "../../src/verdict.js";

const program = loadProgram();
const texts: PolicyText[] = [
  { file: "a.yaml", text: "agent: a\nactions:\n  - name: deploy\n    max_replicas: 5\n" },
  { file: "b.yaml", text: 'agent: "*"\nactions: [{name: read}]\nlimits: {rate: 5/s}\n' },
  { file: "c.yaml", text: "guardrail: true\ndeny_actions: [delete]\n" },
];
const versionOf = async (of: readonly PolicyText[], mode: Mode = "enforce"): Promise<string> =>
  (await compilePolicySet(of, program, mode)).version;
const version = await versionOf(texts);

test("the version is a hash of what decides", () => expect(version).toMatch(/^sha256:[0-9a-f]{64}$/));

test.each<[string, PolicyText[]]>([
  ["the order of the files", texts.toReversed()],
  ["comments and spacing", texts.map(({ file, text }) => ({ file, text: `# note\n${text}\n\n` }))],
  [
    "the order of keys",
    texts.with(0, { file: "a.yaml", text: "actions: [{max_replicas: 5, name: deploy}]\nagent: a" }),
  ],
  [
    "the written form",
    texts.with(0, { file: "a.yaml", text: '{"agent":"a","actions":[{"name":"deploy","max_replicas":{"value":5}}]}' }),
  ],
  ["a mode that is the default", texts.with(0, { file: "a.yaml", text: `mode: enforce\n${texts[0]?.text}` })],
])("%s do not change it", async (_name, others) => expect(await versionOf(others)).toBe(version));

test.each<[string, PolicyText[]]>([
  ["a limit", texts.with(0, { file: "a.yaml", text: "agent: a\nactions: [{name: deploy, max_replicas: 6}]" })],
  ["an agent", texts.with(0, { file: "a.yaml", text: "agent: b\nactions: [{name: deploy, max_replicas: 5}]" })],
  ["an action", texts.with(0, { file: "a.yaml", text: "agent: a\nactions: [{name: Deploy, max_replicas: 5}]" })],
  ["a mode", texts.with(0, { file: "a.yaml", text: `mode: shadow\n${texts[0]?.text}` })],
  ["a rate", texts.with(1, { file: "b.yaml", text: 'agent: "*"\nactions: [{name: read}]\nlimits: {rate: 6/s}' })],
  ["a file fewer", texts.slice(0, 2)],
  ["a file more", [...texts, { file: "d.yaml", text: "guardrail: true\ndeny_actions: [other]" }]],
  [
    "a file's name, which violations and approvals go by",
    texts.with(0, { file: "z.yaml", text: texts[0]?.text ?? "" }),
  ],
])("%s changes it", async (_name, others) => expect(await versionOf(others)).not.toBe(version));

test("the default mode and the program change it", async () => {
  expect(await versionOf(texts, "shadow")).not.toBe(version);
  const other = await compilePolicySet(texts, { ...program, sha256: "0".repeat(64) }, "enforce");
  expect(other.version).not.toBe(version);
});

test("the set names its files in order", async () => {
  expect((await compilePolicySet(texts.toReversed(), program, "enforce")).files).toEqual([
    "a.yaml",
    "b.yaml",
    "c.yaml",
  ]);
});
