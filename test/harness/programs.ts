import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The checkout's top folder. */
export const repository = fileURLToPath(new URL("../../", import.meta.url));

/** Git-ignored; what is fetched once and used by every run. */
export const cacheFolder = join(repository, ".cache");

/** Full path of an executable on PATH. */
export async function onPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter).filter(Boolean)) {
    const path = join(folder, program);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

export function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Runs a program to its end and gives its standard output; throws with its last words when it fails. */
export async function run(program: string, args: readonly string[], timeoutMs = 60_000): Promise<string> {
  const options = { timeout: timeoutMs, maxBuffer: 64 << 20, encoding: "utf8" } as const;
  return (await promisify(execFile)(program, args, options)).stdout;
}

/** Progress of something that takes a while, apart from the output of tests and programs. */
export function tell(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** True when dotted number `version` is `floor` or newer. */
export function atLeast(version: string, floor: string): boolean {
  const [have, want] = [version, floor].map((text) => text.split(".").map(Number));
  for (const [i, wanted] of (want ?? []).entries()) {
    const had = have?.[i] ?? 0;
    if (had !== wanted) return had > wanted;
  }
  return true;
}
