/**
 * `make policies`: rebuilds `policies/policy.wasm` and its lock from `policies/rego`. With `--check` it writes nothing, needs
 * no opa, and ends with status 1 when the checked-in files do not belong together.
 */
import { rename, writeFile } from "node:fs/promises";
import { sha256Hex } from "../../src/canonical.js";
import { findOpa, type Opa } from "./find_opa.js";
import { PartMissing } from "./part_missing.js";
import { buildProgram, hashSources, lockFile, type PolicyLock, staleParts, wasmFile } from "./policy_program.js";
import { tell } from "./programs.js";

async function build(opa: Opa): Promise<void> {
  const wasm = await buildProgram(opa);
  const lock: PolicyLock = { opa: opa.version, wasm: sha256Hex(wasm), sources: await hashSources() };
  await replace(wasmFile, wasm);
  await replace(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
  tell(`policies/policy.wasm: ${wasm.length} bytes, built with opa ${opa.version}`);
}

/** Whoever reads meanwhile sees the old file or the new one. */
async function replace(file: string, content: string | Buffer): Promise<void> {
  await writeFile(`${file}.partial`, content);
  await rename(`${file}.partial`, file);
}

async function check(): Promise<boolean> {
  const stale = await staleParts();
  for (const file of stale) tell(`${file} differs from what policies/policy.lock.json says: run make policies`);
  return stale.length === 0;
}

try {
  if (process.argv.includes("--check")) process.exitCode = (await check()) ? 0 : 1;
  else await build(await findOpa());
} catch (error) {
  if (!(error instanceof PartMissing)) throw error;
  tell(error.message);
  process.exitCode = 1;
}
