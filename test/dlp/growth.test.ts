import { runInNewContext } from "node:vm";
import { detectors } from "../../src/dlp/detectors.js";
import { bounded } from "../../src/dlp/pattern.js";
import { adversarial, adversarialParams } from "./adversarial.js";
import { match, scanned } from "./fixture.js";

/** Patterns that pass try a fixed number of characters at every place, so their form is the proof. */
test.each([/a+/, /a*/, /a{2,}/, /[a]+/, /(?:ab)*/, /a\d+/, /[\]]+/, /(?:a{1,2})+/])(
  "%s may repeat without end",
  (pattern) => {
    expect(() => bounded(pattern)).toThrow("may repeat without end");
  },
);

test.each([/a{1,9}/, /[*+]/, /\+\*/, /a?/, /[a+]{2}/, /\{2,\}/])("%s has a bound", (pattern) => {
  expect(bounded(pattern).global).toBe(true);
});

/** Runs work that does not give way to timers, and throws when it has not ended after 30 seconds. */
function guarded<T>(work: () => T): T {
  return runInNewContext("work()", { work }, { timeout: 30_000 }) as T;
}

const texts = Object.entries(adversarial).map(([name, p]) => [name, { p }] as const);

/** A search whose work grows with the square of the text takes minutes for these instead of a part of a second. */
test.each([...texts, ...Object.entries(adversarialParams)])("%s: searched to the end", (_, params) => {
  const result = guarded(() => {
    const found = scanned({ params, detectors: [...detectors.keys()] });
    return { complete: found.complete, masked: found.masked(params) };
  });
  expect(result.complete).toBe(true);
  expect(Object.keys(result.masked)).toHaveLength(Object.keys(params).length);
});

/** Each of these looks at the rest of the text for every match, and would take many seconds for all matches. */
test.each([
  ["CUST-[0-9]{8}(?:.*END)?", "CUST-12345678 "],
  ["a.*b|a", "a"],
])("pattern %s is not matched without end", (pattern, piece) => {
  const text = piece.repeat(250_000 / piece.length);
  const [[found]] = guarded(() => match([{ name: "x", pattern }], [text])) as [[string[]]];
  expect(found).toHaveLength(101);
});
