import fc from "fast-check";
import type { Json } from "../../src/call.js";
import type { Plan } from "../../src/evaluate/plan.js";
import { readsOf } from "../../src/evaluate/reads.js";
import { slimInput } from "../../src/evaluate/slim_input.js";

const plan: Plan = {
  egress: [{ allow: [] }],
  rules: [
    { rule: "max_a", mode: "enforce", kind: "max", param: "a", limit: 5 },
    { rule: "params", mode: "enforce", kind: "param_pattern", param: "b", pattern: "x", whole: "\\A(?:x)\\z" },
    { rule: "params", mode: "enforce", kind: "param_pattern", param: "__proto__", pattern: "x", whole: "\\A(?:x)\\z" },
    { rule: "allowed_environments", mode: "enforce", kind: "environments", values: ["staging"] },
  ],
  approvals: [],
  sanitizers: [
    {
      sanitize: {
        headers: { set: {}, remove: ["x-a", "__proto__"], redact: [] },
        query: { set: {}, remove: [], redact: [] },
      },
    },
  ],
};
const match = (_: string, text: string): boolean | null => (text.length > 3 ? null : text === "x");
const hostile = fc.constantFrom("a", "b", "__proto__", "x-a", "x", '"', "\\", "\u2028", "\ud800", "\0", "constructor");
const texts = fc.oneof(hostile, fc.string({ unit: "binary" }));
const value = fc.jsonValue() as fc.Arbitrary<Json>;
const values = fc.oneof(texts as fc.Arbitrary<Json>, fc.array(texts) as fc.Arbitrary<Json>, value);
const map = fc.array(fc.tuple(texts, values)).map((entries) => Object.fromEntries(entries) as { [name: string]: Json });

/** The same, by way of an object. */
function expected(input: { [name: string]: Json }, params: { [name: string]: Json }): unknown {
  const read = Object.entries(params).map(([name, is]) => [name, ["a", "b", "__proto__"].includes(name) ? is : 0]);
  const asked = ["b", "__proto__"].flatMap((name) => {
    const is = Object.hasOwn(params, name) ? params[name] : undefined;
    return Array.isArray(is) ? is.slice(0, 32) : [is];
  });
  const known = asked.flatMap((text) => (typeof text === "string" && text.length <= 3 ? [[text, text === "x"]] : []));
  const headers = Object(Object(input.http).headers) as object;
  const kept = Object.entries(headers).filter(([name]) => ["x-a", "__proto__"].includes(name));
  return {
    destination: input.destination,
    environment: input.environment,
    params: Object.fromEntries(read),
    http: { headers: Object.fromEntries(kept), query: {} },
    ...(known.length > 0 && { matched: { "\\A(?:x)\\z": Object.fromEntries(known) } }),
  };
}

test("what is written piece by piece is the JSON of what is read, each name once", () => {
  fc.assert(
    fc.property(map, values, value, map, (params, environment, destination, headers) => {
      const input = { tool: "t", environment, destination, params, http: { headers, query: { q: "1" }, path: "/" } };
      const json = slimInput(input, readsOf(plan), match);
      const wanted = JSON.parse(JSON.stringify(expected(input, params))) as unknown;
      expect(JSON.parse(json)).toEqual(wanted);
      expect(json.length).toBe(JSON.stringify(wanted).length);
    }),
    { numRuns: 500 },
  );
});

test("numbers and lists are written as JSON has them", () => {
  const environment = fc.oneof(fc.double(), fc.array(texts, { maxLength: 2 })) as fc.Arbitrary<Json>;
  fc.assert(
    fc.property(environment, (environment) => {
      expect(slimInput({ environment }, readsOf(plan), match)).toBe(`{"environment":${JSON.stringify(environment)}}`);
    }),
  );
});

test("what is not there is left out", () => {
  expect(slimInput({}, readsOf(plan), match)).toBe("{}");
  expect(slimInput({ params: null, http: [] }, readsOf(plan), match)).toBe('{"params":null,"http":[]}');
});
