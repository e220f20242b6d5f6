import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "./lock.js";
import { PartMissing } from "./part_missing.js";
import { cacheFolder as cache, isExecutable, onPath, repository, run, tell } from "./programs.js";

const sources = join(repository, "test/verifier");

/** The second verifier of audit records (test/verifier), built once for each state of its sources. Throws `PartMissing`. */
export async function findGoVerifier(): Promise<string> {
  const program = join(cache, `verifier-${await stateOf(sources)}`);
  if (await isExecutable(program)) return program;
  const go = await onPath("go");
  if (go === undefined) throw new PartMissing("Go", "install Go 1.22 or newer");
  await mkdir(cache, { recursive: true });
  await withLock(join(cache, "verifier.lock"), 300_000, async () => {
    if (await isExecutable(program)) return;
    tell("building test/verifier");
    const fresh = `${program}.${process.pid}`;
    await run(go, ["-C", sources, "build", "-buildvcs=false", "-o", fresh, "."], 300_000);
    await rename(fresh, program);
  });
  return program;
}

async function stateOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(folder)).sort()) hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest("hex").slice(0, 16);
}
