import { mixedText } from "../../src/notify/alphabets.js";
import { openedMessage } from "../../src/notify/slack_messages.js";
import { messageOf } from "../../src/notify/teams_card.js";
import type { Json } from "../../src/value.js";
import { opened } from "./fixture.js";

const says = "This call mixes alphabets in one word: ";

test.each<[string, Json, string | null]>([
  ["Cyrillic in a value", { env: "st\u0430ging" }, `${says}st\u0430ging`],
  ["Greek in a name", { "\u03bfwner": 1 }, `${says}\u03bfwner`],
  ["deep in a list", [[{ a: ["pr\u043ed_1 x"] }]], `${says}pr\u043ed_1`],
  ["one word twice", ["\u0430b", "\u0430b c\u0434"], `${says}\u0430b, c\u0434`],
  ["many", ["\u0430a \u0430b \u0430c \u0430d \u0430e"], `${says}\u0430a, \u0430b, \u0430c, and 2 more`],
  ["a long one", `\u0430${"b".repeat(99)}`, `${says}\u0430${"b".repeat(39)}...`],
  ["letters that move others", "a\u0430\u05d0", `${says}a\u0430\\u05d0`],
  ["alphabets in words of their own", "line\n\u041f\u0440\u0438\u0432\u0435\u0442 \u03b1\u03b2 staging", null],
  ["Latin with Japanese", "T\u30b7\u30e3\u30c4 k\u00e4se", null],
  ["no text", [1, null, true], null],
])("%s", (_what, value, wanted) => expect(mixedText(value)).toBe(wanted));

test("Slack and Teams say so, also when the call is too long for them", () => {
  for (const note of ["", "x".repeat(50_000)]) {
    const call = (env: string) => opened({ call: { tool: "deploy", action: "run", params: { env, note } } });
    const texts = (env: string) =>
      [openedMessage(call(env)), messageOf(call(env), null)].map((one) => JSON.stringify(one));
    for (const text of texts("st\u0430ging")) expect(text).toContain(`${says}st\u0430ging`);
    for (const text of texts("staging")) expect(text).not.toContain("alphabets");
  }
});
