import { verifiedTokens } from "../../src/issuers/verified_tokens.js";

test("a token is found by the whole of it", () => {
  const tokens = verifiedTokens<number>();
  tokens.set("a.b.c", 1);
  expect(["a.b.c", "a.b.d", "a.b", "a.b.c ", ""].map((token) => tokens.get(token))).toEqual([
    1,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("the oldest makes room, and one that was verified again is not old", () => {
  const tokens = verifiedTokens<number>(3);
  for (const [value, token] of ["a", "b", "c", "a", "d"].entries()) tokens.set(token, value);
  expect(["a", "b", "c", "d"].map((token) => tokens.get(token))).toEqual([3, undefined, 2, 4]);
});

test("ten thousand are remembered", () => {
  const tokens = verifiedTokens<number>();
  for (let n = 0; n <= 10_000; n++) tokens.set(`token ${n}`, n);
  expect([tokens.get("token 0"), tokens.get("token 1"), tokens.get("token 10000")]).toEqual([undefined, 1, 10_000]);
});
