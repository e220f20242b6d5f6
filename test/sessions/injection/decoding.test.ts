import fc from "fast-check";
import { fold } from "../../../src/dlp/fold.js";
import { percentDecode } from "../../../src/percent.js";
import { base64In } from "../../../src/sessions/injection/base64.js";
import { unescaped } from "../../../src/sessions/injection/escapes.js";
import { folded } from "../../../src/sessions/injection/letters.js";
import { shortened } from "../../../src/sessions/injection/shortened.js";
import { viewsOf } from "../../../src/sessions/injection/views.js";

const limits = { interruptAfterTimeLimit: 3_000, numRuns: 2_000 };
const text = fc.string({ unit: "binary", maxLength: 40 });
const encodings: ((written: string) => string)[] = [
  (written) => written,
  encodeURIComponent,
  JSON.stringify,
  (written) => Buffer.from(written).toString("base64"),
  (written) => Buffer.from(written).toString("base64url"),
];
/** Text with encoded text in it, and what only looks like that. */
const encoded = fc
  .array(
    fc.oneof(
      fc.tuple(text, fc.constantFrom(...encodings)).map(([written, encode]) => encode(written)),
      fc.constantFrom(
        "%",
        "%4",
        "%zz",
        "%25",
        "\\",
        "\\u",
        "\\u00",
        "\\ud800",
        "\\u1100",
        "\\n",
        "\uff05",
        "=",
        "\r\n",
      ),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(""));

test("folding is that of detectors", () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: "grapheme" }), fc.string()), (written) => {
      expect(folded(written)).toBe(fold(written));
    }),
    limits,
  );
  const all = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).join("");
  expect(folded(all) === fold(all)).toBe(true);
  expect(folded("\ud800a\udc00\ud800")).toBe("\ud800a\udc00\ud800");
});

test("percent-encoding and JSON escapes are undone", () => {
  fc.assert(
    fc.property(text, (written) => {
      expect(unescaped(encodeURIComponent(encodeURIComponent(`.${written}`)).replaceAll("%255C", "%2541"))).toBe(
        `.${written}`.replaceAll("\\", "A"),
      );
    }),
    limits,
  );
  expect(unescaped('\\u0069\\u00E9\\u1100 \\"a\\/b\\\\c\\r\\n\\t.')).toBe('i\u00e9\u1100 "a/b\\c\n\n\n.');
  for (const kept of ["100%", "%4", "%zz", "\\u00", "\\u00zz", "\\ud83d\\ude00", "\\", "\\x"])
    expect(unescaped(kept)).toBe(kept);
  expect(unescaped("%e2%28")).toBe("\ufffd(");
});

test("one layer or two of percent-encoding mean what they do elsewhere", () => {
  fc.assert(
    fc.property(text, fc.constantFrom("%41", "%2541", "%CE%91", "%zz", "%"), (written, more) => {
      const plain = `${written.replaceAll(/[\\%]|\p{Cs}/gu, "")}${more}.`;
      expect(unescaped(plain)).toBe(percentDecode(percentDecode(plain)));
    }),
    limits,
  );
});

test("base64 is read, in lines and behind a path, and random bytes are not", () => {
  const [said, encodedSaid] = ["what it says \u00e9", Buffer.from("what it says \u00e9").toString("base64")];
  expect(base64In(encodedSaid)).toBe(said);
  expect(base64In(`x: ${encodedSaid.slice(0, 9)}\r\n${encodedSaid.slice(9)}`)).toBe(said);
  expect(base64In(`of/${encodedSaid}`)).toContain(said);
  expect(base64In(`${encodedSaid} ${encodedSaid}`)).toBe(`${said}\n\n${said}`);
  expect(base64In(Buffer.from(said, "utf16le").toString("base64"))).toContain("what it says");
  expect(base64In(Buffer.from([...Array(200).keys()].map((i) => (i * 77 + 128) % 256)).toString("base64"))).toBe("");
  expect(base64In("c2hvcnQ= c2hvcnQ=")).toBe("");
});

test("decoding never makes more of a text than it says", () => {
  fc.assert(
    fc.property(encoded, (written) => {
      expect(unescaped(written).length).toBeLessThanOrEqual(written.length);
      expect(folded(written).length).toBeLessThanOrEqual(written.length);
      expect(base64In(written).length).toBeLessThanOrEqual(1.5 * written.length);
    }),
    limits,
  );
});

test("decoded readings keep to the room that they have, and are the same each time", () => {
  fc.assert(
    fc.property(encoded, fc.nat(200), (written, room) => {
      const views = [...viewsOf(written, room)];
      expect(views.reduce((sum, view) => sum + view.length, 0)).toBeLessThanOrEqual(room);
      expect([...viewsOf(written, room)]).toEqual(views);
      expect(views).not.toContain("");
    }),
    limits,
  );
});

test("a text is shortened to its first and last part", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), fc.nat(220), (written, length) => {
      const short = shortened(written, length);
      expect(short.length).toBeLessThanOrEqual(length);
      if (written.length <= length) expect(short).toBe(written);
      const [first = "", last = ""] = short.split(";--> ");
      if (!written.includes(";")) expect(written.startsWith(first) && written.endsWith(last)).toBe(true);
    }),
    limits,
  );
});
