import { holdsMasked, isMasked } from "../../src/audit/masked.js";

test.each([
  "[secret]",
  "[token]",
  "[removed]",
  "[credential]",
  "[payment_card]",
  "use [token] or [token]",
  "[My-detector]",
])("%s is masked", (text) => expect(isMasked(text)).toBe(true));

test.each(["secret", "[]", "[a b]", "[1]", "", 7, null, true, ["[secret]"], { a: "[secret]" }])(
  "%j is not",
  (value) => {
    expect(isMasked(value)).toBe(false);
  },
);

test("a value holds what was masked at any depth, names included", () => {
  expect(holdsMasked({ a: [1, { b: "[email]" }] })).toBe(true);
  expect(holdsMasked({ "[email]": 1 })).toBe(true);
  expect(holdsMasked({ a: [1, { b: "email" }], c: null })).toBe(false);
});
