import { readPairs } from "../../src/decode/query.js";
import { foldCase } from "../../src/json/fold.js";
import { readJsonObject } from "../../src/json/strict.js";
import type { Refusal } from "../../src/refusal.js";

const read = (text: string) => readJsonObject(Buffer.from(text));

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Refusal).reason;
  }
  return "passes";
}

test.each(['{"amount":100000}', '[{"amount":1}', 'a={"b":1}', "a=<b>", "a=b|c", "a=b^c", "a=b`c", "a=b\\c"])(
  "%s is no form",
  (text) => {
    expect(reasonOf(() => readPairs(text, "malformed_body"))).toBe("malformed_body");
  },
);

test.each(["a=b", "a[0]=1", "q=x:y/z@w,(1)!*'$", "a=%7B%22b%22%3A1%7D"])("%s is a form", (text) => {
  expect(readPairs(text, "malformed_body")).toHaveLength(1);
});

test.each([['{"amount":1,"Amount":2}'], ['{"x":{"K":1,"\u212a":2}}'], ['{"s":1,"\u017f":2}']])(
  "%s has one name twice",
  (text) => {
    expect(reasonOf(() => read(text))).toBe("malformed_body");
  },
);

test("the same name in different objects is two names", () => {
  expect(read('{"a":{"x":1},"b":{"X":2}}')).toEqual({ a: { x: 1 }, b: { X: 2 } });
  expect(foldCase("REPLICAS")).toBe(foldCase("replicas"));
});

test("parameters that differ in case are one given twice", () => {
  expect(reasonOf(() => readPairs("amount=1&AMOUNT=2", "malformed_query"))).toBe("ambiguous_parameter");
});

test("what would keep the policies busy is refused first", () => {
  const many = (n: number) => JSON.stringify(Array.from({ length: n }, (_, i) => i));
  expect(reasonOf(() => read(`{"a":${many(9_000)}}`))).toBe("passes");
  expect(reasonOf(() => read(`{"a":${many(10_001)}}`))).toBe("malformed_body");
  const pairs = (n: number) => Array.from({ length: n }, (_, i) => `p${i}=1`).join("&");
  expect(reasonOf(() => readPairs(pairs(1_000), "malformed_query"))).toBe("passes");
  expect(reasonOf(() => readPairs(pairs(1_001), "malformed_query"))).toBe("malformed_query");
});

test("a parser's words about the body go nowhere", () => {
  try {
    read('{"token":s3cr3t');
    throw new Error("passed");
  } catch (error) {
    expect((error as Error).cause).toBeUndefined();
    expect((error as Error).message).not.toContain("s3cr3t");
  }
});
