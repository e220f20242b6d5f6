import fc from "fast-check";
import type { Json } from "../../src/call.js";
import { createMasker, type Masker } from "../../src/record/mask.js";
import { isSecret, withoutSecrets, withoutTokens } from "../../src/record/secrets.js";
import { samples, scanned } from "../dlp/fixture.js";
import { callOf, jwt, nothing } from "./fixture.js";
import { plainIsSecret, plainMasker, plainWithoutSecrets, plainWithoutTokens } from "./plain_masking.js";

const own = "cst_0123456789abcdef0123";
const names = fc.oneof(
  fc.constantFrom(
    ...["password", "dbPassword", "x-api-key", "apiKey", "max_tokens", "pin", "PIN", "token", "authorization"],
    ...["replicas", "keyboard", "pinned", "ssn", "npi", "to", "month", "x-debug", "__proto__", "constructor", "toJSON"],
    ...[
      "",
      "0",
      "1",
      jwt,
      `${jwt}x`,
      own,
      "[token]",
      "[token]2",
      "ada@example.com",
      "tok\u0435n",
      "\u0130pin",
      "a\npin\nb",
    ],
    `${"x".repeat(70)}_password`,
    `${"y".repeat(63)}P`,
  ),
  // An object that calls a member so has no text, which the test asks it for.
  fc.string({ unit: "binary", maxLength: 12 }).filter((name) => name !== "toString"),
);
const pieces = fc.oneof(
  fc.constantFrom(
    ...[jwt, own, "eyJ", "cst_", "csk_", "CST_", ".", "-", "_", "/", "%", "%2F", "%2E", "%65yJ", "%25", "a", "9", " "],
    ...["hunter2", "ada@example.com", "123456789", "1234567893", "... (812 characters)", "\u0000", "\ud83d\ude00"],
    ...["eyJhbGciOiJF", "0123456789abcdef", "[token]", "[secret]", "$&", "$1", "\\"],
    ...Object.values(samples),
  ),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const texts = fc.array(pieces, { maxLength: 5 }).map((some) => some.join(""));
const scalars: fc.Arbitrary<Json> = fc.oneof(
  { arbitrary: texts, weight: 4 },
  fc.constantFrom<Json>(null, true, false, 0, -0, 12, 123456789, 1234567893, 1.5, 1e21),
);
const values = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalars,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(names, tie("value")), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
  ),
})).value;
const members = fc.array(fc.tuple(names, values), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs));
const lines = fc
  .uniqueArray(fc.tuple(names, texts), { maxLength: 3, selector: ([name]) => name })
  .map((pairs) => pairs.filter(([name]) => name !== "__proto__"));

/** As texts: `toEqual` does not tell a member `__proto__` from none. */
function expectSame(actual: unknown, wanted: unknown): void {
  expect(JSON.stringify(actual)).toBe(JSON.stringify(wanted));
}

test("what a name tells is the same when it is asked for again, of other kinds of values and after many names", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(names, scalars), { maxLength: 8 }), (asked) => {
      for (const [name, value] of [...asked, ...asked]) expect(isSecret(name, value)).toBe(plainIsSecret(name, value));
    }),
    { numRuns: 500 },
  );
  for (let i = 0; i < 2_500; i++) isSecret(`name${i}`, "x");
  for (const name of ["password", "pin", "name1", "keyboard"]) {
    expect(isSecret(name, "x")).toBe(plainIsSecret(name, "x"));
    expect(isSecret(name, 1)).toBe(plainIsSecret(name, 1));
  }
});

test("tokens and secrets are found as by looking at everything, and what is given stays as it was", () => {
  fc.assert(
    fc.property(texts, members, fc.array(names), (text, some, removed) => {
      expect(withoutTokens(text)).toBe(plainWithoutTokens(text));
      const before = structuredClone(some);
      expectSame(withoutSecrets(some, new Set(removed)), plainWithoutSecrets(some, new Set(removed)));
      expectSame(some, before);
    }),
    { numRuns: 500 },
  );
});

test("tokens are found in texts that hardly have room for one", () => {
  const part = fc.constantFrom(
    "eyJ",
    "cst_",
    "csk_",
    "eyJ0123456",
    "0123456789abcde",
    "7",
    ".",
    "..",
    "...",
    "-",
    " (1 characters)",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const text = parts.join("");
      expect(withoutTokens(text)).toBe(plainWithoutTokens(text));
    }),
    { numRuns: 3_000 },
  );
});

const calls = fc.record({
  params: members,
  query: lines,
  headers: lines,
  fromQuery: fc.array(names, { maxLength: 3 }),
  removed: fc.array(names, { maxLength: 2 }),
  more: fc.record({ text: texts, path: texts, host: texts, value: values, params: members }),
});

type Given = typeof calls extends fc.Arbitrary<infer T> ? T : never;

const isText = (value: Json): boolean => typeof value === "string" || typeof value === "number";

/** JSON that has no text, beside a secret that would be looked for by its text. */
const unprintable: Given = {
  params: { token: "hunter2", odd: { toString: {} } },
  query: [],
  headers: [],
  fromQuery: ["token"],
  removed: [],
  more: { text: "", path: "", host: "", value: null, params: { "": { toString: {} }, other: "hunter2" } },
};

/** Of each way to ask a masker its answer, of what the call holds and of something else. */
function answers(mask: Pick<Masker, keyof Masker>, { params, query, headers, more }: Given): unknown {
  const path = `/v1/${more.path}/${Object.values(params).filter(isText).join("/")}`;
  return {
    texts: [more.text, more.path, more.host].flatMap((text) => [mask.text(text), mask.quoted(text)]),
    paths: [more.path, path, encodeURI(path)].map((one) => mask.path(one)),
    host: mask.host(more.host),
    values: [more.value, params, query].map((value) => mask.value(value as Json)),
    params: [params, more.params].map((some) => mask.params(some)),
    query: [Object.fromEntries(query), more.params].map((some) => mask.query(some)),
    headers: [Object.fromEntries(headers), more.params].map((some) => mask.headers(some)),
  };
}

test.each([
  ["nothing has searched", false],
  ["detectors have searched", true],
])("a call that %s is masked as by looking at everything, and nothing of it is changed", (_, searched) => {
  fc.assert(
    fc.property(calls, (given) => {
      const { params, headers, fromQuery, removed } = given;
      const parts = { params, query: Object.fromEntries(given.query), headers, fromQuery };
      const call = callOf(parts);
      const removes = removed.length === 0 ? nothing : { headers: new Set(removed), query: new Set(removed) };
      const evaluation = { removes, scanned: searched ? scanned(parts) : null };
      const before = structuredClone(given);
      expectSame(answers(createMasker({ call, evaluation }), given), answers(plainMasker({ call, evaluation }), given));
      expectSame(given, before);
    }),
    { numRuns: searched ? 100 : 500, examples: [[unprintable]] },
  );
});
