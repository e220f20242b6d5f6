import fc from "fast-check";
import { isPlainJson } from "../../src/json/plain.js";
import { strictly } from "../../src/json/strict.js";

const most = { depth: 32, members: 10_000 };

function isPlain(text: string): boolean {
  return isPlainJson(text, JSON.parse(text), most);
}

function isStrict(text: string): boolean {
  try {
    strictly.refuseAmbiguity(text);
    return true;
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

test.each([
  '{"environment": "staging", "replicas": 3, "ratio": -0.5, "list": [1, null, true, {}], "note": "a \\"b\\"\\n"}',
  '{"imageTag": "v1", "deploymentId": 7}',
  '{"text": "ä {[:,", "a": -0, "b": 0.0001}',
  '{"a": "\\\\", "b": {"a": 1}}',
  '{"a":"Gr\\u00f6\\u00DFe \\ud83d\\ude00 \\uD83D\\uDE00", "b": ["\\u0061", "\\\\u0061", "\\\\\\"\\u0062"]}',
  '{"\\\\u0061": "\\/", "b": "\\\\\\\\"}',
  '{"resourceItems": [], "displayName": "", "unitPrice": 1, "createdAt": 0, "isActive": true}',
  '{"a": 123456789012345}',
  nested(32),
  `[${"1,".repeat(10_000)}1]`,
  "{}",
  '"text"',
])("%.60s needs no closer look", (text) => {
  expect([isPlain(text), isStrict(text)]).toEqual([true, true]);
});

test.each([
  ['{"a":1,"a":1}', false],
  ['{"a":1,"A":2}', false],
  ['{"k":1,"\u212a":2}', false],
  ['{"s":1,"\u017f":2}', false],
  ['{"x":[{"y":{"a":1,"b":2,"a":3}}]}', false],
  ['{"a":{"b":1,"b":{}},"c":{"d":1}}', false],
  ['{"__proto__":1}', false],
  ['{"a":{"__proto__":{"b":1}}}', false],
  ['{"\\u0061":1}', false],
  ['{"a":"\\ud800"}', false],
  ['{"a":"\\udc00"}', false],
  ['{"a":"\\ud83dx"}', false],
  ['{"a":"\\ud83d\\ud83d\\ude00"}', false],
  ['{"a":"\\ud83d\\u0061"}', false],
  ['{"a":"\\ud83d\\\\ude00"}', false],
  ['{"a":"\\ude00\\ud83d"}', false],
  ['{"\\u00e9" \n: 1}', true],
  ['{"\\ud800":1}', false],
  ['{"a":"\\u00e9","\\u0061":2}', false],
  ['{"a":1e2}', true],
  ['{"a":1E400}', false],
  ['{"a":1234567890123456}', true],
  ['{"a":9007199254740993}', false],
  ['{"a":0.10000000000000000000001}', false],
  ['{"\u00e9A":1}', true],
  [nested(33), false],
  [`[${"1,".repeat(10_001)}1]`, false],
])("%.60s is looked at", (text, strict) => {
  expect([isPlain(text), isStrict(text)]).toEqual([false, strict]);
});

const name = fc.oneof(
  fc.constantFrom(
    "a",
    "A",
    "b",
    "aB",
    "Ab",
    "k",
    "\u212a",
    "__proto__",
    "s",
    "\u017f",
    "",
    '\\"',
    "\\\\",
    "\\n",
    "\\u0061",
    "\\/",
    "1",
  ),
  fc.string({ unit: "grapheme", maxLength: 3 }).map((text) => JSON.stringify(text).slice(1, -1)),
);
const number = fc.constantFrom(
  "0",
  "-0",
  "1",
  "-1.5",
  "1e2",
  "1E-400",
  "1e400",
  "0.000000000001",
  "123456789012345",
  "9007199254740992",
  "1.0000000000000000001",
  "12345678901234.5",
);
const leaf = fc.oneof(
  number,
  name.map((text) => `"${text}"`),
  fc
    .array(fc.constantFrom("\\ud83d", "\\uDE00", "\\u00e9", "\\\\", '\\"', "u0061", "\\n", "a", "😀"), { maxLength: 5 })
    .map((units) => `"${units.join("")}"`),
  fc.constantFrom("true", "null", '"\\ud800"', '"[{:,"', "{}", "[]"),
);
const { text } = fc.letrec<{ text: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie("text"), { maxLength: 4 }).map((items) => `[${items.join(", ")}]`),
    fc
      .array(fc.tuple(name, tie("text")), { maxLength: 4 })
      .map((rows) => `{${rows.map(([key, value]) => `"${key}": ${value}`).join(",")}}`),
  ),
}));
const object = fc
  .array(fc.tuple(name, text), { maxLength: 5 })
  .map((rows) => `{${rows.map(([key, value]) => `"${key}":${value}`).join(",")}}`);

test("what needs no closer look passes it", () => {
  const seen = { plain: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(object, text), (given) => {
      if (!isJson(given)) return;
      const plain = isPlain(given);
      const strict = isStrict(given);
      if (plain) seen.plain += 1;
      if (!strict) seen.refused += 1;
      expect(plain && !strict).toBe(false);
    }),
    { numRuns: 20_000, interruptAfterTimeLimit: 4_000 },
  );
  expect(Math.min(seen.plain, seen.refused)).toBeGreaterThan(50);
});
