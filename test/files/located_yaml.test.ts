import { z } from "zod";
import { InvalidFile, parseLocated } from "../../src/files/located_yaml.js";

const schema = z.strictObject({ a: z.number(), list: z.array(z.strictObject({ name: z.string() })).optional() });

function problems(text: string): string[] {
  try {
    parseLocated("f.yaml", text, schema);
  } catch (error) {
    if (error instanceof InvalidFile) return error.message.split("\n");
    throw error;
  }
  return [];
}

test("a good file gives its value", () => {
  expect(parseLocated("f.yaml", "a: 1\nlist: [{name: x}]\n", schema).value).toEqual({ a: 1, list: [{ name: "x" }] });
});

test.each([
  ["wrong type", "a: x\n", "f.yaml:1:4: a: Invalid input: expected number, received string"],
  ["unknown key", "a: 1\nb: 2\n", "f.yaml:2:4: b: unknown key"],
  ["inside a list", "a: 1\nlist:\n  - name: x\n  - name: 3\n", "f.yaml:4:11: list[1].name: Invalid input"],
  ["duplicate key", "a: 1\na: 2\n", "f.yaml:2:1: Map keys must be unique"],
  ["two documents", "a: 1\n---\na: 2\n", "f.yaml:2:1: Source contains multiple documents"],
  ["broken yaml", "a: [1\n", "f.yaml:2:1: Flow sequence in block collection"],
  ["unknown tag", "a: !!js/function 1\n", "f.yaml:1:4: Unresolved tag"],
  ["empty file", "", "f.yaml:1:1: a: Invalid input: expected number, received undefined"],
])("%s", (_name, text, wanted) => {
  expect(problems(text)[0]).toContain(wanted);
});

test("all mistakes are told at once", () => {
  expect(problems("a: x\nb: 1\nc: 2\n")).toHaveLength(3);
});

test("a place inside a scalar is counted from its start", () => {
  const located = parseLocated("f.yaml", "\na: 1\n", schema);
  expect(located.problem(["a"], "m", { line: 1, column: 3 })).toMatchObject({ line: 2, column: 6, path: "a" });
});
