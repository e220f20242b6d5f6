import fc from "fast-check";
import { printable } from "../../src/printable.js";

test.each([
  ["deploy", "deploy"],
  ["a\nb\u001b[2J", "a\\u{a}b\\u{1b}[2J"],
  ["\u202egnp.exe\u2028", "\\u{202e}gnp.exe\\u{2028}"],
  ["Grüße 🙂", "Grüße 🙂"],
  ["x".repeat(400), `${"x".repeat(300)}...`],
])("%j is shown as %s", (text, wanted) => {
  expect(printable(text)).toBe(wanted);
});

test("whatever an agent writes stays on its line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
  );
});
