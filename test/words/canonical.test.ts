import canonicalize from "canonicalize";
import fc from "fast-check";
import { canonicalJson, sha256Hex } from "../../src/canonical.js";
import { CanonicalBytes, unchanging } from "../../src/canonical_bytes.js";

/** The IEEE 754 double whose 64 bits are these 16 hex digits. */
const double = (hex: string): number => Buffer.from(hex, "hex").readDoubleBE();

// RFC 8785, appendix B.
test.each([
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
])("the double %s is %s", (hex, text) => expect(canonicalJson(double(hex))).toBe(text));

test("the sample of RFC 8785, section 3.2.2, byte for byte (section 3.2.4)", () => {
  const sample = JSON.parse(
    String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`,
  );
  const bytes =
    "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333333333332c" +
    "31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e412742" +
    "5c225c5c5c5c5c222f227d";
  expect(Buffer.from(canonicalJson(sample)).toString("hex")).toBe(bytes);
});

test("names are sorted by UTF-16 code units (RFC 8785, section 3.2.3)", () => {
  const sample = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  };
  expect(Object.values(JSON.parse(canonicalJson(sample)))).not.toEqual([]);
  expect([...canonicalJson(sample).matchAll(/:"([^"]+)"/g)].map((match) => match[1])).toEqual([
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
});

test.each([
  [Number.NaN],
  [Infinity],
  [-Infinity],
  ["\ud800"],
  [{ "\udc00": 1 }],
  [[Number.NaN]],
  [{ a: Infinity }],
  [undefined],
  [() => 1],
  [1n],
])("JSON cannot say %p", (value) => {
  expect(() => canonicalJson(value)).toThrow();
});

test("members that are undefined are left out", () => expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}'));

test("the form stands for the value, whatever the order of its members", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 1000, interruptAfterTimeLimit: 3000 },
  );
});

/** Texts with all that is escaped, and whole and half characters of two units. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', "\\", "/", "\0", "\n", "\u001f", " ", "\u007f", "\u2028", "\ud7ff", "\ue000", "\uffff"),
    fc.constantFrom("\ud83d\ude00", "\ud800\udc00", "\ud800", "\udfff", "\udc00\ud800"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 12,
});
/** Names that objects have by birth, that they put in an order of their own, or that are not sorted as people would. */
const name = fc.oneof(
  text,
  fc.constantFrom("__proto__", "constructor", "length", "10", "9", "-1", "01", "a", "B", "b", "\ufb33", "\ud83d\ude00"),
);
const hostile = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.double(),
    fc.integer(),
    fc.constantFrom<unknown>(null, true, false, -0, 1e21, 1e-7, 2 ** 53, undefined, new Date(0), new Map([[1, 2]])),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.uniqueArray(fc.tuple(name, tie("value")), { maxLength: 6, selector: ([key]) => key }).map(Object.fromEntries),
  ),
})).value;

/** What a function gives, or that it throws. */
function attempted(make: () => unknown): unknown {
  try {
    return { gives: make() };
  } catch {
    return "throws";
  }
}

test("every value has the form that another implementation gives it, or none in both", () => {
  fc.assert(
    fc.property(hostile, (value) => {
      const wanted = attempted(() => canonicalize(value) ?? fc.pre(false));
      expect(attempted(() => canonicalJson(value))).toEqual(wanted);
    }),
    { numRuns: 5_000, interruptAfterTimeLimit: 5_000 },
  );
});

/** The values of hostile ones once more, some long, sorted, and with another prototype. */
const written = fc.oneof(
  hostile,
  fc.tuple(text, fc.nat(300)).map(([some, times]) => ({ long: some.repeat(times), plain: "x".repeat(times) })),
  fc.array(fc.tuple(name, hostile), { minLength: 30, maxLength: 60 }).map(Object.fromEntries),
  hostile.map((value) => Object.assign(Object.create({ inherited: 1 }), { value })),
  hostile.map((value) => Object.assign(Object.create(null), { value })),
  hostile.map((value) => ({ a: 1, toJSON: () => value })),
  fc.constantFrom<unknown>({ toJSON: 1 }, { z: 1, toJSON: "a" }, [Symbol("a")], { a: Symbol("a") }, { a: () => 1 }),
);

test("bytes are those of the text, one value behind the other, and a value that has none has none", () => {
  const room = new CanonicalBytes();
  fc.assert(
    fc.property(fc.array(written, { maxLength: 4 }), (values) => {
      room.clear();
      for (const value of values) {
        const start = room.end;
        const gives = attempted(() => {
          room.value(value);
          return room.from(start).toString();
        });
        if (gives === "throws") room.end = start;
        expect(gives).toEqual(attempted(() => canonicalJson(value)));
      }
      const all = values.map((value) => attempted(() => canonicalJson(value)));
      const texts = all.map((one) => (one === "throws" ? "" : (one as { gives: string }).gives));
      expect(room.from(0).toString()).toBe(texts.join(""));
    }),
    { numRuns: 3_000, interruptAfterTimeLimit: 8_000 },
  );
});

/** Frozen at every depth. */
function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}

test("an object that is said to be unchanging is written as any other, each time", () => {
  const room = new CanonicalBytes();
  fc.assert(
    fc.property(written, (value) => {
      const attempt = attempted(() => canonicalJson([value, { value }]));
      const said = typeof value === "object" && value !== null ? unchanging(frozen(value)) : value;
      for (let times = 0; times < 3; times++) {
        room.clear();
        const gives = attempted(() => {
          room.value([said, { value: said }]);
          return room.from(0).toString();
        });
        expect(gives).toEqual(attempt);
      }
    }),
    { numRuns: 2_000, interruptAfterTimeLimit: 5_000 },
  );
});

test("an object that is said to be unchanging is gone through once", () => {
  let times = 0;
  const counting = {
    get read() {
      times++;
      return "x";
    },
  };
  const value = unchanging(Object.freeze({ z: Object.freeze(counting), a: 1 }));
  times = 0;
  const room = new CanonicalBytes();
  for (let n = 0; n < 3; n++) room.value([value]);
  expect(room.from(0).toString()).toBe('[{"a":1,"z":{"read":"x"}}]'.repeat(3));
  expect(times).toBe(1);
});

test.each([[{}], [Object.freeze({ a: {} })], [Object.freeze([[]])]])(
  "what can be changed is not unchanging: %j",
  (value) => {
    expect(() => unchanging(value)).toThrow(TypeError);
  },
);

test("what is written has room, however long it is, and a text is put in where it belongs", () => {
  const room = new CanonicalBytes();
  const long = [
    "x".repeat(70_000),
    "\u20ac".repeat(70_000),
    "\n".repeat(70_000),
    Array.from({ length: 9_000 }, (_, n) => n),
  ];
  const short = Array.from({ length: 40_000 }, (_, n) => `n${n}`);
  room.value("before");
  const place = room.end;
  for (const value of [...long, short]) room.value(value);
  room.insert(place, ',"\u20ac",');
  const text = [...long, short].map(canonicalJson).join("");
  expect(room.from(0).toString()).toBe(`"before","\u20ac",${text}`);
  room.clear();
  room.value({ b: 1, a: 2 });
  expect(room.from(0).toString()).toBe('{"a":2,"b":1}');
});

test("a name is written as it was the first time, however many other names come between", () => {
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`"${index}`, index]));
  const before = canonicalJson({ 'a"b': 1, ["n".repeat(100)]: 2 });
  expect(canonicalJson(many)).toBe(canonicalize(many));
  expect(canonicalJson({ 'a"b': 1, ["n".repeat(100)]: 2 })).toBe(before);
});

test("texts are hashed as UTF-8 (the vectors of FIPS 180-4)", () => {
  expect(sha256Hex("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(sha256Hex("€")).toBe(sha256Hex(Buffer.from([0xe2, 0x82, 0xac])));
});
