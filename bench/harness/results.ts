import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../../test/harness/programs.js";
import { markdownTable, type Rows, textTable } from "./table.js";

/** One table with a sentence on what it shows. */
export interface Section {
  title: string;
  rows: Rows;
}

/** Prints the tables, and writes them as Markdown, and everything behind them as JSON, to `.cache/bench/<name>.*`. */
export async function publish(name: string, sections: readonly Section[], data: object): Promise<void> {
  for (const { title, rows } of sections) console.log(`\n${title}\n\n${textTable(rows)}`);
  const folder = join(cacheFolder, "bench");
  const machine = { cores: cpus().length, node: process.version, at: new Date().toISOString() };
  const about = `Measured on ${machine.cores} cores with Node ${machine.node}, ${machine.at}: median (least..most) of the rounds.`;
  const markdown = sections.map(({ title, rows }) => `### ${title}\n\n${markdownTable(rows)}\n`).join("\n");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.md`), `${about}\n\n${markdown}`);
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify({ machine, ...data }, null, 2)}\n`);
  console.log(`\nwritten to ${join(folder, name)}.md and .json`);
}
