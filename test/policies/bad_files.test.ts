import { readdirSync, readFileSync } from "node:fs";
import { InvalidFile } from "../../src/files/located_yaml.js";
import { compilePolicySet } from "../../src/policies/policy_set.js";
import { loadProgram } from "../../src/policies/program.js";

/** Each file begins with what must be said of it, as comments: `line:column: path: message`. */
const folder = new URL("./bad/", import.meta.url);
const files = readdirSync(folder).sort();
const program = loadProgram();

function messageOf(file: string, text: string): string {
  try {
    compilePolicySet([{ file, text }], program, "enforce");
  } catch (error) {
    if (error instanceof InvalidFile) return error.message;
    throw error;
  }
  return "no mistake was found";
}

test("there are bad files", () => expect(files.length).toBeGreaterThan(80));

test.each(files)("%s", (file) => {
  const text = readFileSync(new URL(file, folder), "utf8");
  const wanted = [...text.matchAll(/^# (\d+:\d+: .*)$/gm)].map(([, said]) => `${file}:${said}`);
  expect(messageOf(file, text)).toBe(wanted.join("\n"));
});

test("the mistakes of all files are told together", () => {
  const texts = ["a.yaml", "b.yaml"].map((file) => ({ file, text: "agent: x\n" }));
  expect(() => compilePolicySet(texts, program, "enforce")).toThrow(
    "a.yaml:1:1: the policy has neither actions nor deny_actions nor limits\n" +
      "b.yaml:1:1: the policy has neither actions nor deny_actions nor limits",
  );
});
