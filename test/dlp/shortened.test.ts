import fc from "fast-check";
import type { Json } from "../../src/call.js";
import { shortened } from "../../src/dlp/shortened.js";
import { mapMembers } from "../../src/dlp/texts.js";

const shown = (members: Record<string, Json>) => mapMembers(shortened(members), ({ text }) => text);
const hidden = "[unsearched]";

test("texts and names of up to 256 characters are kept", () => {
  const [long, longer] = ["x".repeat(256), "y".repeat(257)];
  expect(shown({ a: long, b: longer, [long]: 1, [longer]: 2, c: [longer, 7, null, true] })).toEqual({
    a: long,
    b: hidden,
    [long]: 1,
    [hidden]: hidden,
    c: [hidden, 7, null, true],
  });
});

test("up to 65,536 characters in all, in order", () => {
  const text = "x".repeat(255);
  const members = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [String.fromCharCode(0x4e00 + i), text]));
  const values = Object.values(shown(members));
  expect(values).toEqual([...Array<string>(256).fill(text), hidden]);
});

test("up to 1000 members; the names of others are not told, and a list is whole or not there", () => {
  const members = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`m${i}`, i]));
  const { m1000: _, ...first } = members;
  expect(shown(members)).toEqual({ ...first, [hidden]: hidden });
  expect(shown({ a: Array<number>(998).fill(1), b: [1] })).toEqual({ a: Array<number>(998).fill(1), b: hidden });
  expect(shown({ a: Array<number>(1000).fill(1), b: 2 })).toEqual({ a: hidden, b: 2 });
});

test("what is deep inside does not take the room of what stands at the top", () => {
  const flood = { in: Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`m${i}`, "x".repeat(200)])) };
  const list = Array<string>(999).fill("x");
  const result = shown({ flood, list, command: "drop all", replicas: 40 });
  expect(result).toMatchObject({ command: "drop all", replicas: 40 });
});

test("what is small comes through as it is, whatever its names", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 9 }), fc.jsonValue({ maxDepth: 3 })), (members) => {
      fc.pre(JSON.stringify(members).length < 256);
      const plain = JSON.parse(JSON.stringify(members)) as Record<string, Json>;
      expect(shown(plain)).toEqual(plain);
    }),
    { numRuns: 100 },
  );
  const odd = JSON.parse('{"__proto__": {"__proto__": 1}, "constructor": 2}') as Record<string, Json>;
  expect(JSON.stringify(shown(odd))).toBe(JSON.stringify(odd));
});
