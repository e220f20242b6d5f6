import fc from "fast-check";
import { foldCase } from "../../src/json/fold.js";
import { readJsonObject } from "../../src/json/strict.js";
import { reasonOf } from "../decode/request.js";

const read = (text: string | Uint8Array) => reasonOf(() => readJsonObject(Buffer.from(text)));
const nested = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;

test.each<[string, unknown]>([
  ["{}", {}],
  [' {"a" : [1, -2.5, true, false, null, "x"]}\r\n', { a: [1, -2.5, true, false, null, "x"] }],
  ['{"a":{"a":1},"b":{"a":2}}', { a: { a: 1 }, b: { a: 2 } }],
  ['{"a":[{"x":1},{"x":2}]}', { a: [{ x: 1 }, { x: 2 }] }],
  ['{"caf\\u00e9":"\\ud83d\\ude00"}', { "caf\u00e9": "\u{1f600}" }],
  ['{"a\\"b\\\\u0061":1}', { 'a"b\\u0061': 1 }],
  ['{"\\u003ca\\u003e":1}', { "<a>": 1 }],
  ['{"a":9007199254740991,"b":-9007199254740991}', { a: 9007199254740991, b: -9007199254740991 }],
  ['{"a":1e2,"b":1.50,"c":0.1}', { a: 100, b: 1.5, c: 0.1 }],
  ['{"constructor":1,"toString":2}', JSON.parse('{"constructor":1,"toString":2}')],
  [nested(32), JSON.parse(nested(32))],
])("%s", (text, wanted) => {
  expect(read(text)).toEqual(wanted);
});

test.each<[string, string | Uint8Array]>([
  ["nothing", ""],
  ["white space", "  "],
  ["a list", "[]"],
  ["a text", '"a"'],
  ["null", "null"],
  ["a number", "1"],
  ["byte order mark", "\ufeff{}"],
  ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ["overlong UTF-8", Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d])],
  ["UTF-16", Buffer.from('{"a":1}', "utf16le")],
  ["trailing bytes", '{"a":1}x'],
  ["two values", "{}{}"],
  ["trailing NUL", "{}\u0000"],
  ["trailing comma", '{"a":1,}'],
  ["comment", '{"a":1/**/}'],
  ["single quotes", "{'a':1}"],
  ["unquoted name", "{a:1}"],
  ["NaN", '{"a":NaN}'],
  ["Infinity", '{"a":Infinity}'],
  ["leading zero", '{"a":01}'],
  ["raw line feed in a text", '{"a":"\n"}'],
  ["cut", '{"a":'],
  ["same name twice", '{"a":1,"a":2}'],
  ["same name and value twice", '{"a":1,"a":1}'],
  ["same name deeper", '{"x":[{"y":{"a":1,"b":2,"a":3}}]}'],
  ["same name by escape", '{"a":1,"\\u0061":2}'],
  ["same non-ASCII name by escape", '{"\u00e9":1,"\\u00e9":2}'],
  ["needless escape in a name", '{"\\u0065nvironment":"staging"}'],
  ["needless escape of an underscore", '{"image\\u005ftag":"x"}'],
  ["__proto__", '{"__proto__":{"admin":true}}'],
  ["__proto__ deeper", '{"a":[{"__proto__":1}]}'],
  ["__proto__ by escape", '{"\\u005f_proto__":1}'],
  ["33 levels", nested(33)],
  ["many levels", nested(100_000)],
  ["1e400", '{"a":1e400}'],
  ["-1e400", '{"a":-1e400}'],
  ["1e-400", '{"a":1e-400}'],
  ["2^53", '{"a":9007199254740992}'],
  ["-2^53", '{"a":-9007199254740992}'],
  ["1e20", '{"a":1e20}'],
  ["2^53 deeper", '{"a":[{"b":9007199254740993}]}'],
  ["2^53 with a point", '{"a":9007199254740992.0}'],
  ["digits that a double drops", '{"a":100.000000000000000001}'],
  ["endless digits", `{"a":1.${"0".repeat(100_000)}1}`],
  ["lone high surrogate", '{"a":"\\ud800"}'],
  ["lone low surrogate", '{"a":"\\udc00x"}'],
  ["surrogates the wrong way round", '{"a":"\\udc00\\ud800"}'],
  ["lone surrogate in a name", '{"\\ud800":1}'],
  ["lone surrogate in a list", '{"a":["\\udfff"]}'],
])("%s is refused", (_name, text) => {
  expect(read(text)).toBe("malformed_body");
});

const maxSafe = Number.MAX_SAFE_INTEGER;
const name = fc.string({ unit: "grapheme", maxLength: 6 }).filter((text) => text !== "__proto__");
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.double({ noDefaultInfinity: true, noNaN: true, min: -maxSafe, max: maxSafe }).map((n) => (n === 0 ? 0 : n)),
    fc.maxSafeInteger(),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }).filter(isUnambiguous),
  ),
}));
const object = fc.dictionary(name, value, { maxKeys: 5, noNullPrototype: true }).filter(isUnambiguous);

function isUnambiguous(members: object): boolean {
  const names = Object.keys(members);
  return new Set(names.map(foldCase)).size === names.length;
}

test("what JSON.stringify writes is read back equal", () => {
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 2), (wanted, indent) => {
      expect(readJsonObject(Buffer.from(JSON.stringify(wanted, null, indent)))).toEqual(wanted);
    }),
    { numRuns: 500, interruptAfterTimeLimit: 4000 },
  );
});

test("a repeated name is refused wherever it stands", () => {
  const step = fc.oneof(fc.record({ list: fc.array(value, { maxLength: 2 }) }), fc.record({ name, siblings: object }));
  fc.assert(
    fc.property(object, name, fc.array(step, { maxLength: 6 }), fc.boolean(), (members, repeated, steps, first) => {
      const rest = Object.entries(members)
        .filter(([key]) => foldCase(key) !== foldCase(repeated))
        .map(([key, member]) => `${JSON.stringify(key)}:${JSON.stringify(member)}`);
      const bodyWith = (second: string) => {
        const twin = [`${JSON.stringify(repeated)}:1`, `${JSON.stringify(second)}:[]`] as const;
        const members = `{${(first ? [...twin, ...rest] : [twin[0], ...rest, twin[1]]).join(",")}}`;
        const nested = steps.reduce((inner, around) => {
          if ("list" in around) return `[${[...around.list.map((item) => JSON.stringify(item)), inner].join(",")}]`;
          return `{${JSON.stringify(around.name)}:${inner}}`;
        }, members);
        return `{"root":${nested}}`;
      };
      expect(read(bodyWith(repeated))).toBe("malformed_body");
      expect(read(bodyWith(repeated.toUpperCase()))).toBe("malformed_body");
      expect(read(bodyWith(`${repeated}2${"x".repeat(50)}`))).not.toBe("malformed_body");
    }),
    { numRuns: 500, interruptAfterTimeLimit: 4000 },
  );
});
