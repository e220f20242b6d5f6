import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { repository } from "./programs.js";

/**
 * Compares a file of the checkout with what it is made from. `UPDATE=1` writes it instead, for a person to look at with
 * `git diff`.
 */
export function expectUpToDate(path: string, wanted: string): void {
  const file = join(repository, path);
  if (process.env.UPDATE === "1") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, wanted);
  }
  expect(existsSync(file) ? readFileSync(file, "utf8") : "(missing; UPDATE=1 writes it)").toBe(wanted);
}

/** The part of a page between `<!-- name -->` and `<!-- /name -->`, replaced. */
export function replaceSection(page: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no section ${name}`);
  return `${page.slice(0, from)}${start}${content}${page.slice(to)}`;
}
