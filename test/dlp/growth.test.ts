import { runInNewContext } from "node:vm";
import { detectors } from "../../src/dlp/detectors.js";
import { bounded } from "../../src/dlp/pattern.js";
import { adversarial } from "./adversarial.js";
import { scanned } from "./fixture.js";

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

/** A search whose work grows with the square of the text takes many minutes for these instead of a part of a second. */
test.each(Object.entries(adversarial))("1 MiB of %s is searched to its end", (_, text) => {
  const masked = guarded(() => scanned({ params: { p: text }, detectors: [...detectors.keys()] }).masked({ p: text }));
  expect(Object.keys(masked)).toEqual(["p"]);
});
