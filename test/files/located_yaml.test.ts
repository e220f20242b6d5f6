import { z } from "zod";
import { InvalidFile, parseLocated } from "../../src/files/located_yaml.js";

const schema = z.strictObject({ a: z.number(), list: z.array(z.strictObject({ name: z.string() })).optional() });

const problems = (text: string): string[] => problemsOf(text, schema);

function problemsOf(text: string, by: z.ZodType): string[] {
  try {
    parseLocated("f.yaml", text, by);
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
  ["wrong type", "a: x\n", "f.yaml:1:4: a: expected a number, not a text"],
  ["unknown key", "a: 1\nb: 2\n", "f.yaml:2:4: b: unknown key"],
  [
    "inside a list",
    "a: 1\nlist:\n  - name: x\n  - name: 3\n",
    "f.yaml:4:11: list[1].name: expected a text, not a number",
  ],
  ["duplicate key", "a: 1\na: 2\n", "f.yaml:2:1: Map keys must be unique"],
  ["two documents", "a: 1\n---\na: 2\n", "f.yaml:2:1: the file holds more than one document"],
  ["broken yaml", "a: [1\n", "f.yaml:2:1: Flow sequence in block collection"],
  ["unknown tag", "a: !!js/function 1\n", "f.yaml:1:4: Unresolved tag"],
  ["empty file", "", "f.yaml:1:1: a: missing: expected a number"],
])("%s", (_name, text, wanted) => {
  expect(problems(text)[0]).toContain(wanted);
});

test("all mistakes are told at once", () => {
  expect(problems("a: x\nb: 1\nc: 2\n")).toHaveLength(3);
});

describe("a place inside a text is a place in the file", () => {
  test.each([
    ["plain", "\nt: abc\n", 1, 3, "2:6"],
    ["single quotes", "t: 'abc'\n", 1, 3, "1:7"],
    ["double quotes", 't: "abc"\n', 1, 3, "1:7"],
    ["literal block", "t: |\n  abc\n  def\n", 2, 3, "3:5"],
    ["literal block, indented further", "t: |-\n\n    abc\n    def\n", 3, 1, "4:5"],
    ["escapes: the start", 't: "a\\nb"\n', 2, 1, "1:4"],
    ["folded block: the start", "t: >\n  abc\n  def\n", 1, 6, "1:4"],
    ["plain over two lines: the start", "t: abc\n  def\n", 1, 6, "1:4"],
    ["no text: the start", "t: 17\n", 1, 2, "1:4"],
    ["nothing there: the start", "x: 17\n", 1, 2, "1:1"],
  ])("%s", (_name, text, line, column, wanted) => {
    const place = parseLocated("f.yaml", text, z.looseObject({})).problem(["t"], "m", { line, column });
    expect(`${place.line}:${place.column}`).toBe(wanted);
    expect(place.path).toBe("t");
  });
});

describe("mistakes that a schema has no words for", () => {
  const kinds = z.looseObject({
    text: z.string().min(1).max(3).optional(),
    whole: z.int().optional(),
    number: z.number().positive().lt(10).optional(),
    list: z.array(z.string()).min(1).max(2).optional(),
    either: z.union([z.string(), z.boolean()]).optional(),
    one: z.enum(["a", "b", "c"]).optional(),
    literal: z.literal(true).optional(),
    names: z.record(z.string().regex(/^[a-z]+$/, "lower case"), z.number()).optional(),
  });
  test.each([
    ["text: ''", "text: must not be empty"],
    ["text: abcd", "text: has more than 3 characters"],
    ["text:", "text: empty: expected a text"],
    ["text: [a]", "text: expected a text, not a list"],
    ["text: true", "text: expected a text, not true or false"],
    ["whole: 1.5", "whole: expected a whole number, not 1.5"],
    ["whole: a", "whole: expected a number, not a text"],
    ["number: 0", "number: must be more than 0"],
    ["number: 10", "number: must be less than 10"],
    ["number: .nan", "number: expected a number, not NaN"],
    ["list: []", "list: must not be an empty list"],
    ["list: [a, b, c]", "list: has more than 2 entries"],
    ["either: 5", "either: expected a text or true or false, not a number"],
    ["one: d", 'one: expected one of a, b, c, not "d"'],
    ["one: 5", "one: expected one of a, b, c, not 5"],
    ["literal: false", "literal: expected true, not false"],
    ["names: {A: 1}", "names.A: lower case"],
  ])("%s", (text, wanted) => {
    expect(problemsOf(text, kinds)).toEqual([expect.stringMatching(/^f\.yaml:1:\d+: /)]);
    expect(problemsOf(text, kinds)[0]?.replace(/^f\.yaml:1:\d+: /, "")).toBe(wanted);
  });
});
