import fc from "fast-check";
import { asObject, canonicalQuery, readPairs } from "../../src/decode/query.js";
import { reasonOf } from "./request.js";

test.each([
  ["", []],
  ["a=1", [{ raw: "a", name: "a", value: "1" }]],
  [
    "b=2&a=1",
    [
      { raw: "b", name: "b", value: "2" },
      { raw: "a", name: "a", value: "1" },
    ],
  ],
  ["flag", [{ raw: "flag", name: "flag", value: "" }]],
  ["a=b=c", [{ raw: "a", name: "a", value: "b=c" }]],
  ["%61+b=1+2%2B3", [{ raw: "%61+b", name: "a b", value: "1 2+3" }]],
  ["a=%C3%A9%26%3B%3D", [{ raw: "a", name: "a", value: "\u00e9&;=" }]],
  ["a=/?:@", [{ raw: "a", name: "a", value: "/?:@" }]],
  ["constructor=1", [{ raw: "constructor", name: "constructor", value: "1" }]],
])("%s", (text, wanted) => {
  expect(readPairs(text, "malformed_query")).toEqual(wanted);
});

test.each([
  ["lone percent", "a=%", "malformed_query"],
  ["broken encoding", "a=%zz", "malformed_query"],
  ["broken encoding in a name", "%4=1", "malformed_query"],
  ["not UTF-8", "a=%ff", "malformed_query"],
  ["overlong", "a=%c0%80", "malformed_query"],
  ["encoded surrogate", "a=%ed%a0%80", "malformed_query"],
  ["raw semicolon", "a=1;b=2", "malformed_query"],
  ["raw non-ASCII", "a=\u00e9", "malformed_query"],
  ["raw space", "a=1 2", "malformed_query"],
  ["fragment", "a=1#b", "malformed_query"],
  ["NUL", "a=%00", "malformed_query"],
  ["empty pair", "a=1&&b=2", "malformed_query"],
  ["trailing ampersand", "a=1&", "malformed_query"],
  ["no name", "=1", "malformed_query"],
  ["__proto__", "__proto__=1", "malformed_query"],
  ["encoded __proto__", "%5f_proto__=1", "malformed_query"],
  ["same name twice", "a=1&a=2", "ambiguous_parameter"],
  ["same name and value twice", "a=1&a=1", "ambiguous_parameter"],
  ["same name in two spellings", "a=1&%61=2", "ambiguous_parameter"],
  ["same name with two spaces", "a+b=1&a%20b=2", "ambiguous_parameter"],
])("%s is refused", (_name, text, reason) => {
  expect(reasonOf(() => readPairs(text, "malformed_query"))).toBe(reason);
});

test("a form body is refused as a body", () => {
  expect(reasonOf(() => readPairs("a=%", "malformed_body"))).toBe("malformed_body");
});

test("the canonical query has one spelling", () => {
  expect(canonicalQuery(readPairs("%61=1+2&b&c=%2f!", "malformed_query"))).toBe("a=1%202&b=&c=%2F!");
});

test("names and values become own members only", () => {
  const object = asObject(readPairs("constructor=1&toString=2", "malformed_query"));
  expect(Object.entries(object)).toEqual([
    ["constructor", "1"],
    ["toString", "2"],
  ]);
});

test("the canonical query reads back to the same pairs", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 6 }).filter((value) => !value.includes("\0"));
  const name = text.filter((value) => value !== "" && value !== "__proto__");
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, text), { selector: ([key]) => key, maxLength: 6 }), (pairs) => {
      const parameters = pairs.map(([key, value]) => ({ raw: "", name: key, value }));
      const again = readPairs(canonicalQuery(parameters), "malformed_query");
      expect(again.map((parameter) => [parameter.name, parameter.value])).toEqual(pairs);
      expect(canonicalQuery(again)).toBe(canonicalQuery(parameters));
    }),
    { numRuns: 500, interruptAfterTimeLimit: 3000 },
  );
});
