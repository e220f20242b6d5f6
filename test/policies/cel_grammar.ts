import fc from "fast-check";
import type { Json } from "../../src/call.js";

/** CEL conditions and the values they meet, from pools small enough that both sides of a comparison often agree. */

export const texts = fc.constantFrom("", "a", "ab", "b", "prod", "staging", "é", "a\u0000b", "😀", "1", "x.y");
export const numbers = fc.constantFrom(0, 1, 2, -1, 0.5, 10, 11, 1e21, 1e-7, 9007199254740991, -9007199254740991);
const scalars: fc.Arbitrary<Json> = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null));
const lists: fc.Arbitrary<Json[]> = fc.array(scalars, { maxLength: 3 });
/** Values of keys are never null here: the library that answers are compared with takes such a key for absent. */
const values = scalars.filter((value) => value !== null);
const maps = fc.dictionary(fc.constantFrom("a", "b", "k", "1"), values, { maxKeys: 3 });
const mostly = (usual: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: values });

export const params: fc.Arbitrary<{ [name: string]: Json }> = fc.record(
  { n: mostly(numbers), s: mostly(texts), b: mostly(fc.boolean()), l: mostly(lists), m: mostly(maps) },
  { requiredKeys: [] },
);

/** A literal as CEL writes it. */
export function celLiteral(value: Json): string {
  if (typeof value === "number")
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : `${value}`;
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(celLiteral).join(", ")}]`;
  return String(value);
}

const field = fc.constantFrom("params.n", "params.s", "params.b", "params.l", "params.m", "params.m.k", 'params["n"]');
const equal = fc.constantFrom("==", "!=");
const order = fc.constantFrom("<", "<=", ">", ">=");
const comparison = fc.oneof(equal, order);
const literal = (values: fc.Arbitrary<Json>): fc.Arbitrary<string> => values.map(celLiteral);
const of = (parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
  fc.tuple(...parts.map((part) => (typeof part === "string" ? fc.constant(part) : part))).map((said) => said.join(""));

const atom: fc.Arbitrary<string> = fc.oneof(
  of(["env ", comparison, " ", literal(texts)]),
  of(["env in ", literal(fc.array(texts, { maxLength: 3 }))]),
  of([field, " ", equal, " ", literal(fc.oneof(scalars, lists))]),
  of([field, " ", order, " ", literal(fc.oneof(texts, numbers, fc.boolean()))]),
  of([field, " ", comparison, " ", field]),
  of([literal(fc.oneof(scalars, lists)), " in ", field]),
  of([field, " in ", literal(lists)]),
  of([field, " in ", field]),
  of(["has(params.", fc.constantFrom("n", "s", "none"), ")"]),
  of(["size(", field, ") ", comparison, " ", fc.constantFrom("0", "1", "2")]),
  of([field, ".", fc.constantFrom("startsWith", "endsWith", "contains"), "(", literal(texts), ")"]),
  of([field, ".matches(", literal(fc.constantFrom("^a", "b$", "(?i)PROD", "\\\\d+", "[^a]", "^.$", "")), ")"]),
  fc.constantFrom("true", "false", "params.b", "params.m.k", "session.bound", "facts.tests_passed"),
  of(["agent.id ", equal, " ", literal(texts)]),
  of([literal(texts), " in agent.roles"]),
  of(["destination.port ", comparison, " ", fc.constantFrom("443", "80.5", "1u")]),
);

/** Conditions of up to some ten atoms. */
export const conditions: fc.Arbitrary<string> = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    atom,
    fc.tuple(tie("condition"), tie("condition")).map(([a, b]) => `(${a}) && (${b})`),
    fc.tuple(tie("condition"), tie("condition")).map(([a, b]) => `(${a}) || (${b})`),
    tie("condition").map((a) => `!(${a})`),
  ),
})).condition;
