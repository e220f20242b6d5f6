import { readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { bounds } from "../bundle/archive.js";
import { InvalidBundle } from "../bundle/error.js";
import { openBundle } from "../bundle/open.js";
import type { SignatureKey } from "../bundle/signature.js";
import { compilePolicySet, type PolicySet, type PolicyText } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import type { Mode } from "../verdict.js";
import { readText, unusable } from "./files.js";

export interface PoliciesOptions {
  program: Program;
  /** Mode of policy files that name none; a bundle says the mode of everything in it. */
  mode: Mode;
  /** The key that a bundle must be signed with. Without one it is believed as policy files are. */
  key?: SignatureKey | null;
}

/** Policies from a folder, one policy file, or a bundle (`.tar.gz`, `.tgz`). Throws `InvalidFile`. */
export async function openPolicies(path: string, { program, mode, key = null }: PoliciesOptions): Promise<PolicySet> {
  if (key && !isBundle(path)) throw unusable(path, "is no bundle, so it has no signature to check");
  if (!isBundle(path)) return compilePolicySet(readPolicies(path), program, mode);
  const bytes = await readBundleFile(path);
  try {
    return (await openBundle(bytes, { program, key, nowMs: Date.now() })).set;
  } catch (error) {
    throw error instanceof InvalidBundle ? unusable(path, error.message) : error;
  }
}

/** By its name: a folder may be called so too, and is still a folder. */
export function isBundle(path: string): boolean {
  return /\.(tar\.gz|tgz)$/i.test(path) && !isFolder(path);
}

/** Reads every policy file of a folder, or one file. Throws `InvalidFile` when there is none. */
export function readPolicies(path: string): PolicyText[] {
  const files = policyFiles(path);
  if (files.length === 0) throw unusable(path, "there are no policies: expected a folder with .yaml or .json files");
  return files.map((file) => ({ file: basename(file), text: readText(file) }));
}

/** Policy files of a folder, sorted; hidden files (as Kubernetes and editors leave them) and other kinds are passed over. */
export function policyFiles(path: string): string[] {
  const kinds = /\.(ya?ml|json|rego)$/i;
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path)
      .filter((name) => kinds.test(name) && !name.startsWith("."))
      .sort()
      .map((name) => join(path, name));
  } catch {
    return [];
  }
}

async function readBundleFile(path: string): Promise<Buffer> {
  let size: number;
  try {
    ({ size } = statSync(path));
  } catch {
    throw unusable(path, "cannot be read");
  }
  if (size > bounds.unpackedBytes) throw unusable(path, "is too large for a bundle");
  return readFile(path).catch(() => {
    throw unusable(path, "cannot be read");
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
