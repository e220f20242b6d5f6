import fc from "fast-check";
import { type Most, verifiedTokens } from "../../src/issuers/verified_tokens.js";

const nowMs = 1_000_000;
const later = { exp: 2_000, nowMs };
const plenty = 1_000_000;

function filled<T>(most: Most | undefined, tokens: Iterable<[string, T]>) {
  const known = verifiedTokens<T>(most);
  for (const [token, value] of tokens) known.set(token, value, later);
  return known;
}

test("a token is found by the whole of it", () => {
  const tokens = filled(undefined, [["a.b.c", 1]]);
  expect(["a.b.c", "a.b.d", "a.b", "a.b.c ", ""].map((token) => tokens.get(token))).toEqual([
    1,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("a token with the same end as one that is remembered is not taken for it, whatever comes first", () => {
  const end = "s".repeat(86);
  const [one, other, part] = [`a.b.${end}`, `a.c.${end}`, end];
  const tokens = filled(undefined, [[one, 1]]);
  expect([one, other, part, `x${one}`].map((token) => tokens.get(token))).toEqual([1, undefined, undefined, undefined]);
  tokens.set(other, 2, later);
  expect([one, other, part].map((token) => tokens.get(token))).toEqual([undefined, 2, undefined]);
  // Those that made room for each other are counted as one.
  const few = filled({ tokens: 2, bytes: plenty }, [
    [one, 1],
    [other, 2],
    ["another", 3],
  ]);
  expect([one, other, "another"].map((token) => few.get(token))).toEqual([undefined, 2, 3]);
});

test("of tokens that differ in one character, or are as long as a key or shorter, exactly the same one is found", () => {
  const token = fc.string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(token, { maxLength: 20 }), fc.array(token, { maxLength: 20 }), (verified, asked) => {
      const tokens = filled(
        undefined,
        verified.map((text) => [text, text] as [string, string]),
      );
      for (const text of [...verified, ...asked]) expect([undefined, text]).toContain(tokens.get(text));
      for (const text of asked) if (!verified.includes(text)) expect(tokens.get(text)).toBeUndefined();
    }),
  );
});

test("the oldest makes room, and one that was verified again is not old", () => {
  const tokens = filled(
    { tokens: 3, bytes: plenty },
    ["a", "b", "c", "a", "d"].map((token, n) => [token, n]),
  );
  expect(["a", "b", "c", "d"].map((token) => tokens.get(token))).toEqual([3, undefined, 2, 4]);
});

test("the oldest make room for a long one", () => {
  const tokens = filled({ tokens: 10, bytes: 30 }, [
    ["a".repeat(10), 1],
    ["b".repeat(10), 2],
    ["c".repeat(10), 3],
    ["b".repeat(10), 4],
    ["d".repeat(20), 5],
  ]);
  expect(["a", "b", "c"].map((letter) => tokens.get(letter.repeat(10)))).toEqual([undefined, 4, undefined]);
  expect(tokens.get("d".repeat(20))).toBe(5);
});

test("a hundred thousand agents have a token each that is remembered", () => {
  const token = (n: number) => `${"x".repeat(600)} ${n}`;
  const all = Array.from({ length: 100_000 }, (_, n) => [token(n), n] as [string, number]);
  const tokens = filled(undefined, all);
  expect([tokens.get(token(0)), tokens.get(token(99_999))]).toEqual([0, 99_999]);
});

test("expired ones are forgotten while others come, also behind one that lives long", () => {
  const tokens = verifiedTokens<number>();
  tokens.set("long", 0, later);
  for (let n = 0; n < 100; n++) tokens.set(`short ${n}`, n, { exp: 1_001, nowMs });
  for (let n = 0; n < 200; n++) tokens.set(`new ${n}`, n, { exp: 2_000, nowMs: 1_001_000 });
  const left = Array.from({ length: 100 }, (_, n) => tokens.get(`short ${n}`)).filter((value) => value !== undefined);
  expect([left, tokens.get("long"), tokens.get("new 0")]).toEqual([[], 0, 0]);
});
