import fc from "fast-check";
import { visible, visibleJson } from "../../src/notify/visible.js";
import type { Json } from "../../src/value.js";

test.each([
  ["bidi", "\u202egnp.exe", "\\u202egnp.exe"],
  ["isolates", "a\u2066b\u2069", "a\\u2066b\\u2069"],
  ["zero width", "pay\u200bpal\u200d\ufeff", "pay\\u200bpal\\u200d\\ufeff"],
  ["soft hyphen", "a\u00adb", "a\\u00adb"],
  ["line feeds", "a\r\nb\u2028c\u0085d", "a\\u000d\\u000ab\\u2028c\\u0085d"],
  ["other spaces", "a\u00a0b\u3000c\u2003d", "a\\u00a0b\\u3000c\\u2003d"],
  ["letters without a shape", "\u3164\u115f\u2800\u180e", "\\u3164\\u115f\\u2800\\u180e"],
  ["variation selectors", "a\ufe0f", "a\\ufe0f"],
  ["tags", "a\u{e0041}", "a\\udb40\\udc41"],
  ["private use", "\ue000", "\\ue000"],
  ["a lone surrogate", "a\ud800", "a\\ud800"],
  ["NUL and escape", "\u0000\u001b[2K", "\\u0000\\u001b[2K"],
  ["letters that move numbers", "\u05d0 100 - 900 \u05d0", "\\u05d0 100 - 900 \\u05d0"],
  ["Arabic, its digits and its marks", "\u0627\u064e\u0301 \u0661", "\\u0627\\u064e\\u0301 \\u0661"],
  ["right to left beyond the first plane", "\u{10900}\u{1e900}", "\\ud802\\udd00\\ud83a\\udd00"],
  ["marks over a digit", "1\u0338\u0336000", "1\\u0338\\u0336000"],
  ["marks over a space and at the start", "\u0338a \u0301", "\\u0338a \\u0301"],
  ["marks after what is escaped", "\u3164\u0338\u202e\u0336", "\\u3164\\u0338\\u202e\\u0336"],
  ["marks in a pile", "a\u0301\u0302\u0303\u0304\u0305b", "a\u0301\u0302\u0303\\u0304\\u0305b"],
  [
    "marks that letters carry",
    "u\u0308 \u0915\u094d\u0937\u093f \u304b\u3099",
    "u\u0308 \u0915\u094d\u0937\u093f \u304b\u3099",
  ],
  ["what can be seen", "Grüße, 世界 🎉 <b>*_`[x](y)", "Grüße, 世界 🎉 <b>*_`[x](y)"],
])("%s", (_what, text, wanted) => expect(visible(text)).toBe(wanted));

const text = fc.string({ unit: "binary", maxLength: 40 });

test("nothing stays that cannot be seen, and nothing gets lost", () => {
  fc.assert(
    fc.property(text, (given) => {
      const shown = visible(given);
      expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
      const plain = given.replaceAll("\\", "");
      const back = visible(plain).replace(/\\u([0-9a-f]{4})/g, (_, hex: string) =>
        String.fromCharCode(parseInt(hex, 16)),
      );
      expect(back).toBe(plain);
    }),
  );
});

test("nothing moves or covers what is beside it", () => {
  const pieces = fc.constantFrom(
    "a",
    "1",
    " ",
    "-",
    "\u05d0",
    "\u0661",
    "\u0301",
    "\u0338",
    "\u202e",
    "\u3164",
    "\ufe0f",
    "\u{1e900}",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (given) => {
      const shown = visible(given.join(""));
      expect(shown).not.toMatch(
        /[\u0590-\u08ff\u{1e800}-\u{1efff}]|(?<!\p{L}\p{M}*)\p{M}|\p{M}{4}|\\u[0-9a-f]{4}\p{M}/u,
      );
    }),
  );
});

test("a long run of marks takes no long", () => {
  const long = `a${"\u0301".repeat(300_000)}`;
  expect(visible(long)).toHaveLength(4 + 299_997 * 6);
});

test("JSON stays the same JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      const shown = visibleJson(value as Json);
      expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(shown.split("\n").every((line) => visible(line) === line)).toBe(true);
    }),
  );
});
