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

test("JSON stays the same JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
      const shown = visibleJson(value as Json);
      expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(shown.split("\n").every((line) => visible(line) === line)).toBe(true);
    }),
  );
});
