import { compilePolicySet, type PolicyText } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import type { Mode } from "../../src/verdict.js";

const program = loadProgram();
const text = (file: string, replicas: number | string): PolicyText => ({
  file: `${file}.yaml`,
  text: `agent: ${file}\nactions: [{name: deploy, max_replicas: ${replicas}}]\n`,
});
const compile = (texts: PolicyText[], mode: Mode = "enforce", by = program) => compilePolicySet(texts, by, mode);
const fileOf = async (agent: string, set: ReturnType<typeof compile>) =>
  (await set).documentOf(agent).document.files[0];

test("a file that has not changed is not read again, and one that has is", async () => {
  const [a, b] = await Promise.all(["a", "b"].map((agent) => fileOf(agent, compile([text("a", 1), text("b", 1)]))));
  const next = compile([text("a", 1), text("b", 2)]);
  expect(await fileOf("a", next)).toEqual(a);
  expect(await fileOf("b", next)).not.toEqual(b);
  const before = await fileOf("a", compile([text("a", 1), text("b", 3)]));
  expect(await fileOf("a", compile([text("a", 1), text("b", 4)]))).toBe(before);
});

test("the mode and the program are part of what a file was made of", async () => {
  const first = await fileOf("a", compile([text("a", 1)]));
  expect(await fileOf("a", compile([text("a", 1)], "shadow"))).not.toEqual(first);
  const again = await fileOf("a", compile([text("a", 1)], "enforce", { ...program, sha256: "0".repeat(64) }));
  expect(again).toEqual(first);
  expect(again).not.toBe(first);
});

test("what is kept and what is read afresh come to the same version", async () => {
  const texts = [text("a", 1), text("b", 2)];
  const { version } = await compile(texts);
  expect((await compile(texts)).version).toBe(version);
  await compile([text("c", 1)]);
  expect((await compile(texts.toReversed())).version).toBe(version);
});

test("mistakes are told each time, of files that were read before too", async () => {
  const bad = [text("a", 1), text("b", "many"), text("c", "few")];
  const words = "b.yaml:2:40: actions[0].max_replicas: expected a number, not a text\nc.yaml:2:40: ";
  for (let i = 0; i < 2; i++) await expect(compile(bad)).rejects.toThrow(words);
  const condition = { file: "d.yaml", text: "agent: d\nactions: [{name: deploy, approval_needed: nothing > 1}]\n" };
  for (let i = 0; i < 2; i++) await expect(compile([text("a", 1), condition])).rejects.toThrow(/^d\.yaml:2:/);
});

test("a mistake between two files has its place, also when one of them was read before", async () => {
  const detector = (file: string, pattern: string): PolicyText => ({
    file,
    text: `agent: ${file[0]}\nactions:\n  - name: x\n    dlp:\n      badge: {action: deny, pattern: "${pattern}"}\n`,
  });
  await compile([detector("a.yaml", "A-[0-9]+"), detector("b.yaml", "A-[0-9]+")]);
  await expect(compile([detector("a.yaml", "B-[0-9]+"), detector("b.yaml", "A-[0-9]+")])).rejects.toThrow(
    /^b\.yaml:5:\d+: .*`badge` has another pattern in a\.yaml/,
  );
});
