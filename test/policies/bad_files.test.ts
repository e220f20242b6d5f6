import { readdirSync, readFileSync } from "node:fs";
import { InvalidFile } from "../../src/files/located_yaml.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";
import { policySchema, writtenAction } from "../../src/policies/schema.js";

/** Each file begins with what must be said of it, as comments: `line:column: path: message`, and below it the excerpt. */
const folder = new URL("./bad/", import.meta.url);
const files = readdirSync(folder).sort();
const program = loadProgram();

async function messageOf(file: string, text: string): Promise<string> {
  try {
    await compilePolicySet([{ file, text }], program, "enforce");
  } catch (error) {
    if (error instanceof InvalidFile) return error.message;
    throw error;
  }
  return "no mistake was found";
}

test("there are bad files", () => expect(files.length).toBeGreaterThan(80));

test("every key of the language has a bad file", () => {
  const all = files.map((file) => readFileSync(new URL(file, folder), "utf8").split("\n")[0] ?? "");
  const keys = [
    ...Object.keys(policySchema.shape),
    ...Object.keys(writtenAction.shape),
    "rate",
    "burst",
    "daily_budget",
    "session_budget",
    "escalate",
  ];
  const mistaken = (key: string) => all.some((said) => new RegExp(`[ .]${key}[.:\\[]`).test(said));
  expect(keys.filter((key) => !mistaken(key))).toEqual([]);
});

test.each(files)("%s", async (file) => {
  const text = readFileSync(new URL(file, folder), "utf8");
  const [said = ""] = /^(# .*\n)*/.exec(text) ?? [];
  const wanted = said
    .trimEnd()
    .replaceAll(/^# (?=\d)/gm, `${file}:`)
    .replaceAll(/^# /gm, "");
  expect(await messageOf(file, text)).toBe(wanted);
});

test("the mistakes of all files are told together", async () => {
  const texts = ["a.yaml", "b.yaml"].map((file) => ({ file, text: "agent: x\n" }));
  const said = "the policy says nothing: give it one of `actions`, `deny_actions`, `egress`, `limits`, `rego`";
  await expect(compilePolicySet(texts, program, "enforce")).rejects.toThrow(`a.yaml:1:1: ${said}\nb.yaml:1:1: ${said}`);
});
