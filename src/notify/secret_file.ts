import { readFile } from "node:fs/promises";

/** The lines of a file with a secret, without those that are empty. Throws an `Error` for the operator. */
export async function secretLines(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new Error(`${path}: cannot be read`);
  });
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
