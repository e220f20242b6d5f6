import { copyFile, mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { create } from "tar";
import { canonicalJson } from "../canonical.js";
import { packagePath } from "../package_path.js";
import type { PolicySet } from "./policy_set.js";

/** What the bundle owns of OPA's `data`: the program's package and the documents it reads. */
const roots = ["countersign", "policies"];

/**
 * Writes a standard OPA bundle (gzipped tar: `.manifest`, `data.json`, the Rego program and its WebAssembly form).
 * The same policies give the same bytes. The file appears whole or not at all.
 */
export async function writeBundle(set: PolicySet, output: string): Promise<void> {
  const staging = await mkdtemp(join(tmpdir(), "countersign-bundle-"));
  try {
    const manifest = { revision: set.version, roots, rego_version: 1 };
    await writeFile(join(staging, ".manifest"), canonicalJson(manifest));
    await writeFile(join(staging, "data.json"), canonicalJson({ policies: Object.fromEntries(set.documents) }));
    const sources = packagePath("policies/rego");
    const names = (await readdir(sources)).filter((name) => name.endsWith(".rego")).sort();
    await mkdir(join(staging, "countersign"));
    for (const name of names) await copyFile(join(sources, name), join(staging, "countersign", name));
    await copyFile(packagePath("policies/policy.wasm"), join(staging, "policy.wasm"));

    const files = [".manifest", "data.json", ...names.map((name) => `countersign/${name}`), "policy.wasm"];
    const epoch = new Date(0);
    for (const file of files) await utimes(join(staging, file), epoch, epoch);
    const target = resolve(output);
    const partial = join(dirname(target), `.${process.pid}.bundle.partial`);
    await create({ gzip: { level: 9 }, cwd: staging, file: partial, portable: true, noMtime: true }, files);
    await rename(partial, target);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
