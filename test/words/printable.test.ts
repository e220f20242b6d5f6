import fc from "fast-check";
import { printable } from "../../src/printable.js";

test.each([
  ["deploy", "deploy"],
  ["a\nb\u001b[2J", "a\\u{a}b\\u{1b}[2J"],
  ["\u202egnp.exe\u2028", "\\u{202e}gnp.exe\\u{2028}"],
  ["Grüße 🙂 u\u0308", "Grüße 🙂 u\u0308"],
  ["\u05d0 5: 900", "\\u{5d0} 5: 900"],
  ["\u0661\u0662 \u{1e900}", "\\u{661}\\u{662} \\u{1e900}"],
  ["1\u0338\u0336000", "1\\u{338}\\u{336}000"],
  ["\u202e\u0338", "\\u{202e}\\u{338}"],
  ["a\u0301\u0302\u0303\u0304", "a\u0301\u0302\u0303\\u{304}"],
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
