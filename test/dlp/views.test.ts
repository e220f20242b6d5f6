import fc from "fast-check";
import { fold } from "../../src/dlp/fold.js";
import { viewsOf } from "../../src/dlp/views.js";
import { scanned, told } from "./fixture.js";

const card = "4111 1111 1111 1111";
const base64 = (text: string | Buffer): string => Buffer.from(text as string).toString("base64");
const percent = (text: string): string => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join("");
const fullWidth = (text: string): string =>
  text.replaceAll(/[!-~]/g, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0));

test.each([
  ["base64", base64(card)],
  ["base64url without padding", Buffer.from(`~~~${card}???`).toString("base64url")],
  ["base64 in a sentence", `run ${base64(card)}, please`],
  ["base64 behind a slash", `v1/x/${base64(card)}`],
  ["base64 behind a name and an underscore", `my_card_${base64(card)}`],
  ["base64 in lines", base64("x".repeat(70) + card).replaceAll(/(.{76})/g, "$1\r\n")],
  ["base64 of UTF-16", base64(Buffer.from(card, "utf16le"))],
  [
    "base64 among bytes",
    base64(Buffer.concat([Buffer.from([0xff, 0xd8, 1, 2]), Buffer.from(card), Buffer.from([0xff])])),
  ],
  ["base64 twice", base64(base64(card))],
  ["percent-encoding", percent(card)],
  ["percent-encoding twice", percent(percent(card))],
  ["percent-encoded base64", percent(base64(card))],
  ["base64 of percent-encoding", base64(percent(card))],
  ["zero-width characters", [...card].join("\u200b")],
  ["soft hyphens", [...card].join("\u00ad")],
  ["byte order marks", [...card].join("\ufeff")],
  ["combining marks", [...card].join("\u0336")],
  ["tags", [...card].join("\u{e0041}")],
  ["variation selectors", [...card].join("\ufe0f")],
  ["control characters", [...card].join("\u0001")],
  ["full-width digits", fullWidth(card)],
  ["mathematical digits", card.replaceAll("1", "\u{1d7cf}").replace("4", "\u{1d7d2}")],
  ["Arabic digits", card.replaceAll("1", "\u0661").replace("4", "\u0664")],
  ["no-break spaces", card.replaceAll(" ", "\u00a0")],
  ["Unicode hyphens", card.replaceAll(" ", "\u2011")],
  ["minus signs", card.replaceAll(" ", "\u2212")],
  ["superscript minus signs", card.replaceAll(" ", "\u207b")],
  ["escapes of JSON", card.replaceAll("1", "\\u0031")],
  ["escaped JSON in JSON", JSON.stringify(JSON.stringify({ card }))],
  ["full-width percent-encoding", fullWidth(percent(card))],
  ["percent-encoded zero-width characters", percent([...card].join("\u200b"))],
])("%s hides nothing", (_, text) => {
  expect(told(scanned({ params: { p: text }, query: { q: text } }))).toEqual([
    "payment_card params p!",
    "payment_card query q",
  ]);
});

test.each([
  ["an e-mail address in percent-encoding", "jane%40example.com", "email"],
  ["a key with escaped line breaks", "-----BEGIN\\u0020PRIVATE KEY-----\\nMII", "private_key"],
  ["a full-width at sign", "jane\uff20example.com", "email"],
  ["an ideographic full stop", "jane@example\u3002com", "email"],
  ["a full-width full stop", "jane@example\uff0ecom", "email"],
  ["a half-width ideographic full stop", "jane@example\uff61com", "email"],
])("%s is found", (_, text, name) => expect(told(scanned({ query: { q: text } }))).toEqual([`${name} query q`]));

test("payloads are found in every reading too", () => {
  const params = { p: base64("fetch http://169.254.169.254/latest"), q: "http:%2F%2F127.0.0.1" };
  expect(told(scanned({ params, detectors: ["url", "private_ip"] }))).toEqual([
    "private_ip params p!",
    "private_ip params q!",
    "url params p!",
    "url params q!",
  ]);
});

test.each(["", "plain", "deploy the staging environment", "a-b_c/d", "100 %", "C:\\dir", "müller"])(
  "%j has no other reading",
  (text) => expect(viewsOf(text)).toEqual([]),
);

test("folding keeps what has a meaning of its own", () => {
  expect(fold("müller 日本 \t\n ~")).toBe("müller 日本 \t\n ~");
  expect(fold("\uff21\u2014\u3000\u0967\u200d")).toBe("A- 1");
});

test("readings are at most 17 times as long as the text", () => {
  const noise = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string().map(base64),
    fc.string().map((text) => base64(base64(text))),
    fc.string().map(percent),
    fc.constantFrom("%", "\\u0041", "/", "QUFB", "\u200b", "\n", "BFQRUV"),
  );
  fc.assert(
    fc.property(
      fc.array(noise).map((parts) => parts.join("")),
      (text) => {
        const sum = viewsOf(text).reduce((total, view) => total + view.length, 0);
        expect(sum).toBeLessThanOrEqual(17 * text.length);
      },
    ),
  );
});
