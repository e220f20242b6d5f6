import fc from "fast-check";
import { covers, questionOf } from "../../src/store/question.js";
import type { Violation } from "../../src/verdict.js";
import { draftOf } from "./subject.js";

const many: Violation = { rule: "max_n", param: "n", limit: 5, actual: 6, message: "n 6 is above max_n 5" };
const card: Violation = {
  rule: "dlp",
  limit: "payment_card",
  actual: [{ in: "headers", name: "x-note" }],
  message: "headers.x-note holds payment_card",
};
const late: Violation = { rule: "windows", limit: "UTC", actual: { day: 6, minute: 60 }, message: "it is Saturday" };

/** As it comes back out of a store: members in another order, another sentence. */
const again = ({ message, ...facts }: Violation): Violation => ({
  message: `${message}, again`,
  ...(Object.fromEntries(Object.entries(facts).reverse()) as typeof facts),
});

const differently: [string, Violation][] = [
  ["another rule", { ...many, rule: "min_n" }],
  ["another parameter", { ...many, param: "m" }],
  ["no parameter", { rule: "max_n", limit: 5, actual: 6, message: many.message }],
  ["another limit", { ...many, limit: 4 }],
  ["a limit of another type", { ...many, limit: "5" }],
  ["another value", { ...many, actual: 7 }],
  ["a value in another place", { ...many, actual: [6] }],
];

describe("what people decided upon covers", () => {
  test.each<[string, Violation[], Violation[]]>([
    ["the same", [many, card], [many, card]],
    ["the same in another order and spelling", [many, card], [again(card), again(many)]],
    ["fewer", [many, card], [card]],
    ["the same twice", [many], [many, many]],
    ["the same at another hour", [late], [{ ...late, actual: { day: 0, minute: 0 } }]],
  ])("%s", (_, decided, asked) => expect(covers(decided, asked)).toBe(true));

  test.each<[string, Violation[], Violation[]]>([
    ["not more", [many], [many, card]],
    ["not others", [many], [card]],
    ["not another place", [card], [{ ...card, actual: [{ in: "headers", name: "x-other" }] }]],
    ["not the hours of another zone", [late], [{ ...late, limit: "Europe/Berlin" }]],
    ["not an hour of another rule", [{ ...late, rule: "max_n" }], [{ ...late, rule: "max_n", actual: null }]],
    ["nothing where nothing was asked", [], [many]],
    ["nothing where nothing is asked", [many], []],
    ...differently.map(([what, reason]): [string, Violation[], Violation[]] => [`not ${what}`, [many], [reason]]),
  ])("%s", (_, decided, asked) => expect(covers(decided, asked)).toBe(false));

  test("exactly what it holds, whatever the values are, after a trip through JSON too", () => {
    const facts = fc.record({
      rule: fc.constantFrom("a", "b", "windows"),
      limit: fc.jsonValue(),
      actual: fc.jsonValue(),
      message: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(facts, { minLength: 1, maxLength: 5 }), facts, (decided, other) => {
        const stored: Violation[] = JSON.parse(JSON.stringify(decided));
        expect(covers(stored, decided)).toBe(true);
        expect(covers(decided.slice(1), decided.slice(0, 1))).toBe(covers(stored.slice(1), stored.slice(0, 1)));
        expect(covers(stored, [...decided, { ...other, rule: "c" }])).toBe(false);
      }),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, "\ud800"])("nothing that has no JSON form: %p", (actual) => {
    expect(() => covers([many], [{ ...many, actual }])).toThrow();
    expect(() => covers([{ ...many, actual }], [many])).toThrow();
  });
});

describe("the question to people", () => {
  const draft = draftOf("bot", { violations: [many, late] });
  const same = (violations: Violation[]) => questionOf({ ...draft, violations }) === questionOf(draft);

  test.each<[string, Violation[]]>([
    ["in another order", [late, many]],
    ["in other words", [again(many), again(late)]],
    ["said twice", [many, late, many]],
    ["at another hour", [many, { ...late, actual: { day: 0, minute: 0 }, message: "it is Sunday" }]],
  ])("is the same for the same reasons %s", (_, violations) => expect(same(violations)).toBe(true));

  test.each<[string, Violation[]]>([
    ["fewer", [many]],
    ["more", [many, late, card]],
    ["none", []],
    ...differently.map(([what, reason]): [string, Violation[]] => [`with ${what}`, [reason, late]]),
  ])("is another one for reasons that are others: %s", (_, violations) => expect(same(violations)).toBe(false));

  test("takes no part of one member for a part of another", () => {
    const apart = [
      { ...draft, violations: [many, late] },
      { ...draft, violations: [], fingerprint: JSON.stringify([draft.fingerprint, [many, late]]) },
      { ...draft, violations: [{ ...many, limit: [many, late] }] },
    ];
    expect(new Set(apart.map(questionOf)).size).toBe(apart.length);
  });
});
