import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../harness/programs.js";

const text = (page: string) => readFileSync(join(repository, page), "utf8");

/** What the first command on a page prints there. */
export function exampleOn(page: string): string {
  const [, output = ""] = /^```\n\$ [^\n]*\n(.*?)^```/ms.exec(text(page)) ?? [];
  return output;
}

/** The options that the page's table explains, sorted. */
export function optionsOn(page: string): string[] {
  const rows = text(page).match(/^\| `--.*/gm) ?? [];
  return [...new Set(rows.flatMap((row) => row.split(" | ")[0]?.match(/--[a-z-]+/g) ?? []))].sort();
}
