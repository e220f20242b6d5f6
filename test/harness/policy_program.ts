import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { extract } from "tar";
import { sha256Hex } from "../../src/canonical.js";
import { entrypoints } from "../../src/policies/program.js";
import type { Opa } from "./find_opa.js";
import { repository } from "./programs.js";

export const wasmFile = join(repository, "policies/policy.wasm");
export const lockFile = join(repository, "policies/policy.lock.json");

/** Ties `policy.wasm` to the sources it was built from. Hashes are lower-case hex SHA-256. */
export interface PolicyLock {
  opa: string;
  wasm: string;
  sources: Record<string, string>;
}

/** Compiles `policies/rego` and gives the WebAssembly module. The same opa gives the same bytes. */
export async function buildProgram(opa: Opa): Promise<Buffer> {
  const work = await mkdtemp(join(tmpdir(), "countersign-policy-"));
  try {
    const bundle = join(work, "bundle.tar.gz");
    const entries = entrypoints.flatMap((name) => ["-e", name]);
    const target = ["build", "-t", "wasm", ...entries, "-o", bundle];
    // The module holds the names of its sources, so they are named from the top of the repository.
    await promisify(execFile)(opa.program, [...target, "policies/rego"], { cwd: repository });
    await extract({ file: bundle, cwd: work, filter: (path) => path.endsWith("policy.wasm") });
    return await readFile(join(work, "policy.wasm"));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Hashes of the sources as they are now. */
export async function hashSources(): Promise<PolicyLock["sources"]> {
  const folder = join(repository, "policies/rego");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".rego")).sort();
  const hashes = names.map(async (name) => [`rego/${name}`, sha256Hex(await readFile(join(folder, name)))] as const);
  return Object.fromEntries(await Promise.all(hashes));
}

/** What is wrong between sources, module and lock as they are checked in; empty when they belong together. */
export async function staleParts(): Promise<string[]> {
  const lock = JSON.parse(await readFile(lockFile, "utf8")) as PolicyLock;
  const now = await hashSources();
  const names = [...new Set([...Object.keys(now), ...Object.keys(lock.sources)])].sort();
  const stale = names.filter((name) => now[name] !== lock.sources[name]).map((name) => `policies/${name}`);
  if (sha256Hex(await readFile(wasmFile)) !== lock.wasm) stale.push("policies/policy.wasm");
  return stale;
}
