import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { canonicalJson } from "../canonical.js";
import type { SigningKey } from "../keys/keys.js";
import { packagePath } from "../package_path.js";
import { policiesJson } from "../policies/documents_json.js";
import type { Documents } from "../policies/join.js";
import type { PolicySet } from "../policies/policy_set.js";
import { inSlices } from "../slices.js";
import { type Entries, pack } from "./archive.js";
import {
  dataFile,
  manifestFile,
  programFile,
  programSources,
  rootsOf,
  suppliedModules,
  userProgram,
  userSources,
} from "./layout.js";
import { signatureFile, signBundle } from "./signature.js";

/** With which key a bundle is signed, and when that is said to have been. */
export interface Signer {
  key: SigningKey;
  nowMs: number;
}

/**
 * Packs a standard OPA bundle: `.manifest`, `data.json`, the Rego program and its WebAssembly form, the users' own Rego,
 * and a signature. The same policies give the same bytes, except for the signature.
 */
export async function packBundle(set: PolicySet, signer: Signer | null): Promise<Buffer> {
  const entries = await entriesOf(set);
  if (!signer) return pack(entries);
  return pack(new Map([...entries, [signatureFile, await signBundle(entries, signer.key, signer.nowMs)]]));
}

/** Writes such a bundle to a file, which appears whole or not at all. */
export async function writeBundle(set: PolicySet, output: string, signer: Signer | null = null): Promise<void> {
  const target = resolve(output);
  // A name that nobody can put a link under beforehand.
  const partial = join(dirname(target), `.${randomUUID()}.bundle.partial`);
  try {
    await writeFile(partial, await packBundle(set, signer), { flag: "wx" });
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

async function entriesOf({ version, files, documents, rego }: PolicySet): Promise<Entries> {
  const sources = rego?.sources ?? [];
  const manifest = {
    revision: version,
    roots: rootsOf(sources),
    rego_version: 1,
    metadata: { files, ...(rego && { packages: rego.packages }) },
  };
  const folder = packagePath("policies/rego");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".rego")).sort();
  const program = await Promise.all(
    names.map(async (name) => [`${programSources}${name}`, await readFile(join(folder, name))] as const),
  );
  return new Map<string, Buffer>([
    [manifestFile, Buffer.from(canonicalJson(manifest))],
    [dataFile, await inSlices(dataOf(documents))],
    ...program,
    [programFile, await readFile(packagePath("policies/policy.wasm"))],
    ...suppliedModules(sources),
    ...sources.map(({ file, text }) => [`${userSources}${file}`, Buffer.from(text)] as const),
    ...(rego ? [[userProgram, Buffer.from(rego.wasm)] as const] : []),
  ]);
}

/** `data.json`: the RFC 8785 form of `{policies: <documents>}`. */
function* dataOf(documents: Documents): Generator<void, Buffer> {
  const pieces = [Buffer.from('{"policies":')];
  for (const piece of policiesJson(documents)) {
    pieces.push(Buffer.from(piece));
    yield;
  }
  return Buffer.concat([...pieces, Buffer.from("}")]);
}
