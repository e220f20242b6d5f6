import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { recordFilesIn } from "../audit/segments.js";

/** One file with records. */
export interface Segment {
  path: string;
  /** Of the file. */
  name: string;
  /** True for the newest of its folder: it grows, and its last line may still be being written. */
  newest: boolean;
}

/** The files of one writer that are to be searched, oldest first. */
export interface Chain {
  /** Name of the folder, which is the writer's. */
  writer: string;
  segments: Segment[];
}

/**
 * The chains below some paths: audit directories, writers' folders or single files. Rejects with the system's error when
 * a path cannot be read.
 */
export async function chainsIn(paths: readonly string[]): Promise<Chain[]> {
  const chains = new Map<string, Map<string, Segment>>();
  for (const path of paths.map((given) => resolve(given))) {
    const single = !(await stat(path)).isDirectory();
    for (const folder of single ? [dirname(path)] : await foldersBelow(path)) {
      const files = await recordFilesIn(folder);
      const chain = chains.get(folder) ?? new Map<string, Segment>();
      for (const file of single ? [path] : files) {
        const newest = !files.includes(file) || file === files.at(-1);
        chain.set(file, { path: file, name: basename(file), newest });
      }
      if (chain.size > 0) chains.set(folder, chain);
    }
  }
  return [...chains].map(([folder, segments]) => ({
    writer: basename(folder),
    segments: [...segments.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  }));
}

async function foldersBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name));
  return [dir, ...folders.sort()];
}
