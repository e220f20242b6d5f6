import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { canonicalJson } from "../canonical.js";
import type { SigningKey } from "../keys/keys.js";
import { packagePath } from "../package_path.js";
import { policiesBytes, policiesJson } from "../policies/documents_json.js";
import type { Documents } from "../policies/join.js";
import type { PolicySet } from "../policies/policy_set.js";
import { inSlices } from "../slices.js";
import { bounds, type Entries, pack, unpackedSize } from "./archive.js";
import { InvalidBundle } from "./error.js";
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
 * and a signature. The same policies give the same bytes, except for the signature. Throws `InvalidBundle` for policies of
 * which there is more than a bundle may hold: it could not be opened again.
 */
export async function packBundle(set: PolicySet, signer: Signer | null, most = bounds.unpackedBytes): Promise<Buffer> {
  const entries = await entriesOf(set, most);
  if (!signer) return packed(entries, set, most);
  const signature = await signBundle(entries, signer.key, signer.nowMs);
  return packed(new Map([...entries, [signatureFile, signature]]), set, most);
}

async function packed(entries: Entries, { documents }: PolicySet, most: number): Promise<Buffer> {
  if (unpackedSize(entries) > most) throw tooLarge(documents.size, most);
  return pack(entries);
}

function tooLarge(agents: number, most: number): InvalidBundle {
  return new InvalidBundle(
    `the policies of ${agents} agents are too large for a bundle: more than ${most} bytes unpacked`,
  );
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

async function entriesOf({ version, files, documents, rego }: PolicySet, most: number): Promise<Entries> {
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
    [dataFile, await inSlices(dataOf(documents, most))],
    ...program,
    [programFile, await readFile(packagePath("policies/policy.wasm"))],
    ...suppliedModules(sources),
    ...sources.map(({ file, text }) => [`${userSources}${file}`, Buffer.from(text)] as const),
    ...(rego ? [[userProgram, Buffer.from(rego.wasm)] as const] : []),
  ]);
}

/** `data.json`: the RFC 8785 form of `{policies: <documents>}`. */
function* dataOf(documents: Documents, most: number): Generator<void, Buffer> {
  const [head, tail] = ['{"policies":', "}"];
  const size = head.length + (yield* policiesBytes(documents)) + tail.length;
  // Before anything is written: what is not kept would still be in the memory of the process.
  if (size > most) throw tooLarge(documents.size, most);
  const bytes = Buffer.allocUnsafe(size);
  let at = bytes.write(head);
  for (const piece of policiesJson(documents)) {
    at += bytes.write(piece, at);
    yield;
  }
  if (at + tail.length !== size) throw new Error("the policies are not as long as they were said to be");
  bytes.write(tail, at);
  return bytes;
}
