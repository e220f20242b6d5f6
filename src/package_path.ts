import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of a file that ships with the package, from `src/` and from `dist/` alike. */
export function packagePath(relative: string): string {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const path = join(root, relative);
  if (!existsSync(path)) throw new Error(`the package is incomplete: ${relative} is missing`);
  return path;
}
