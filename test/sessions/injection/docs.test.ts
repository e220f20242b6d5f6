import { readFileSync } from "node:fs";
import { leastSearched, mostDecoded, mostSearched } from "../../../src/sessions/injection/find.js";
import { injectionPatterns } from "../../../src/sessions/injection/patterns.js";

const page = readFileSync(new URL("../../../docs/injection.md", import.meta.url), "utf8");

/** As the page writes an example: what nobody would see by its number, and bars escaped for the table. */
function shown(example: string): string {
  const visible = example
    .replaceAll("\n", "\\n")
    .replaceAll(/[^ -~]/gu, (odd) => `\\u{${odd.codePointAt(0)?.toString(16)}}`);
  return visible.replaceAll("|", "\\|");
}

test("the table has every pattern in its order, with its meaning and its example", () => {
  const rows = [...page.matchAll(/^\| `[a-z_]+` \|.*$/gm)].map(([row]) => row);
  expect(rows).toEqual(
    injectionPatterns.map(({ name, meaning, example }) => `| \`${name}\` | ${meaning} | \`${shown(example)}\` |`),
  );
});

test("the bounds are those in the code", () => {
  expect(page).toContain(`At most ${mostSearched.toLocaleString("en")} characters`);
  expect(page).toContain(`at most ${mostDecoded.toLocaleString("en")} characters of decoded readings`);
  expect(page).toContain(`less than ${leastSearched} characters`);
});
