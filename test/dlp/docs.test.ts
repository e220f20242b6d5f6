import { readFileSync } from "node:fs";
import { detectors } from "../../src/dlp/detectors.js";

const page = readFileSync(new URL("../../docs/dlp.md", import.meta.url), "utf8");

/** Names in the first cells of the table under a heading. */
function rowsUnder(heading: string): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  return [...section.matchAll(/^\| `([a-z0-9_]+)` \|/gm)].map(([, name]) => name ?? "");
}

test.each([
  ["data", "What must not leave"],
  ["payload", "What a parameter must not carry"],
] as const)("the %s detectors are the rows of their table", (kind, heading) => {
  const names = [...detectors].filter(([, detector]) => detector.kind === kind).map(([name]) => name);
  expect(rowsUnder(heading)).toEqual(names);
});
