import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { bounds } from "../bundle/archive.js";
import { InvalidBundle } from "../bundle/error.js";
import { openBundle } from "../bundle/open.js";
import type { SignatureKey } from "../bundle/signature.js";
import { InvalidFile } from "../files/located_yaml.js";
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

/**
 * Reads every policy file of a folder, or one file. Throws `InvalidFile` when there is none, and for policies in folders
 * below, which would not be heard.
 */
export function readPolicies(path: string): PolicyText[] {
  const files = policyFiles(path);
  if (files.length === 0) throw unusable(path, "there are no policies: expected a folder with .yaml or .json files");
  const unheard = new Set(files.map((file) => dirname(relative(path, file))).filter((folder) => folder !== "."));
  if (unheard.size > 0) throw new InvalidFile([...unheard].flatMap((folder) => misplaced(join(path, folder)).problems));
  return files.map((file) => ({ file: basename(file), text: readText(file) }));
}

/**
 * Files of a folder, and of folders below it, that look like policies; sorted. Hidden ones (as Kubernetes and editors leave
 * them), the cases of `policy test`, and other kinds are passed over.
 */
export function policyFiles(path: string): string[] {
  if (!isFolder(path)) return existsSync(path) ? [path] : [];
  return filesIn(path, new Set(), ["cases"]);
}

const kinds = /\.(ya?ml|json|rego)$/i;

/** `seen` holds the folders that were looked into, since links may lead round in a circle. */
function filesIn(folder: string, seen: Set<string>, besides: readonly string[] = []): string[] {
  let real: string;
  let names: string[];
  try {
    [real, names] = [realpathSync(folder), readdirSync(folder).sort()];
  } catch {
    // It stands for itself, as a file that cannot be read.
    return [folder];
  }
  if (seen.has(real)) return [];
  seen.add(real);
  return names.flatMap((name) => {
    if (name.startsWith(".") || besides.includes(name)) return [];
    const path = join(folder, name);
    // So does a folder that is called like a file: Docker makes one in place of a file that is missing.
    if (kinds.test(name)) return [path];
    return isFolder(path) ? filesIn(path, seen) : [];
  });
}

function misplaced(folder: string): InvalidFile {
  return unusable(folder, "policies in a folder below are not read: put them beside the others (only `cases` stays)");
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
