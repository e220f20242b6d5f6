import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { InvalidFile } from "../files/located_yaml.js";
import { type LoadedRegistry, loadRegistry } from "../registry/load.js";
import { inSlices } from "../slices.js";
import { Rest } from "./rest.js";
import type { PartSource } from "./workspace.js";

/** A part that is made of files. `watches` lists them, anew for each look. */
export function filesSource<T>(
  watches: () => string[],
  load: () => Promise<T>,
  rest: Rest = new Rest(null),
): PartSource<T> {
  let last: { stamp: string | null; content: string } | null = null;
  return {
    load,
    async look({ mayRest } = { mayRest: false }) {
      if (mayRest && last !== null && !rest.isOver()) return last.content;
      rest.end();
      const began = performance.now();
      const paths = watches();
      let workedMs = performance.now() - began;
      const worked = (ms: number): void => {
        workedMs += ms;
      };
      const stamp = await inSlices(stampOf(paths), worked);
      if (last === null || last.stamp === null || last.stamp !== stamp) {
        last = { stamp, content: await inSlices(contentOf(paths), worked) };
      }
      rest.begin(paths.length, workedMs);
      return last.content;
    },
    close: () => rest.close(),
  };
}

/** Reads agents and people. Throws `InvalidFile`. */
export function loadRegistered({ agents, people }: { agents: string; people: string }): LoadedRegistry {
  return loadRegistry({
    agents: { file: basename(agents), text: readText(agents) },
    people: { file: basename(people), text: readText(people) },
  });
}

/** Reads a text file. Throws `InvalidFile`. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw unusable(path, "cannot be read");
  }
}

/** The one mistake of a file that is not looked into any further. */
export function unusable(path: string, message: string): InvalidFile {
  return new InvalidFile([{ file: path, line: 1, column: 1, path: "", message }]);
}

/** Two writes within one tick of the file system's clock leave the same stamp, so a young one proves nothing. */
const settledMs = 2_000;

/**
 * Changes when any of the files does: name, times, size or the file behind a link. `null` while they are too young to tell.
 * A file a step, since thousands of them take a while.
 */
function* stampOf(paths: readonly string[]): Generator<void, string | null> {
  const stamps: string[] = [];
  let young = false;
  for (const path of paths) {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(path);
      young ||= Date.now() - Math.max(mtimeMs, ctimeMs) < settledMs;
      stamps.push(`${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`);
    } catch {
      stamps.push(`${path} missing`);
    }
    yield;
  }
  return young ? null : stamps.join("\n");
}

/** Changes when the names or the contents of the files do. Folders count by the files listed beside them. */
function* contentOf(paths: readonly string[]): Generator<void, string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    hash.update(`${JSON.stringify(path)}\n`).update(digestOf(path));
    yield;
  }
  return hash.digest("hex");
}

function digestOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
  }
}
