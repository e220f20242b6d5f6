import { z } from "zod";
import { sha256Hex } from "../canonical.js";
import type { Documents } from "../policies/join.js";
import { packagesOf } from "../policies/packages.js";
import type { Program } from "../policies/program.js";
import { type CompiledRego, loadCompiled, type RegoSource } from "../rego/compiled.js";
import type { Entries } from "./archive.js";
import { documentsOf } from "./documents.js";
import { detailOf, InvalidBundle } from "./error.js";
import { readJson } from "./json.js";
import {
  dataFile,
  manifestFile,
  programFile,
  programSources,
  rootsOf,
  suppliedModules,
  suppliedSources,
  userProgram,
  userSources,
} from "./layout.js";
import { signatureFile } from "./signature.js";

/** What a bundle says, before it is known whether its revision is true. */
export interface BundleContent {
  /** The version of the policy set that it was made of. */
  revision: string;
  /** Base names of the policy files. */
  files: string[];
  documents: Documents;
  rego: CompiledRego | null;
}

const manifestSchema = z.strictObject({
  revision: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  roots: z.array(z.string()),
  rego_version: z.literal(1),
  metadata: z.strictObject({ files: z.array(z.string()), packages: z.array(z.string()).optional() }),
});

/**
 * Reads what `countersign policy build` wrote. The program in the bundle has to be the one that runs here, since only
 * that one is known to judge as it should. Throws `InvalidBundle` for anything missing, unknown or of another form.
 */
export function readBundle(entries: Entries, program: Pick<Program, "sha256">): BundleContent {
  for (const name of entries.keys()) {
    if (!isKnown(name)) throw new InvalidBundle(`nothing is known of the file ${name} in the bundle`);
  }
  const manifest = manifestOf(entries);
  if (sha256Hex(need(entries, programFile)) !== program.sha256) {
    throw new InvalidBundle("it was made for another version of the program: build it again with this version");
  }
  const documents = documentsOf(readJson(dataFile, need(entries, dataFile)).value);
  const rego = userRegoOf(entries, manifest.metadata.packages);
  refuseUnbound(documents, rego);
  const roots = rootsOf(rego?.sources ?? []);
  if (manifest.roots.toSorted().join() !== roots.join()) {
    throw new InvalidBundle(`the roots in ${manifestFile} are not ${roots.join(", ")}`);
  }
  return { revision: manifest.revision, files: manifest.metadata.files, documents, rego };
}

function isKnown(name: string): boolean {
  const sources = [programSources, userSources, suppliedSources].some(
    (folder) => name.startsWith(folder) && name.endsWith(".rego"),
  );
  return sources || [manifestFile, dataFile, programFile, userProgram, signatureFile].includes(name);
}

function need(entries: Entries, name: string): Buffer {
  const content = entries.get(name);
  if (!content) throw new InvalidBundle(`the bundle has no ${name}`);
  return content;
}

function manifestOf(entries: Entries): z.output<typeof manifestSchema> {
  const result = manifestSchema.safeParse(readJson(manifestFile, need(entries, manifestFile)).value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.length ? `: ${issue.path.join(".")}` : "";
  throw new InvalidBundle(`${manifestFile} is not what \`countersign policy build\` writes${place}: ${issue?.message}`);
}

function refuseUnbound(documents: Documents, rego: CompiledRego | null): void {
  const bound = new Set(rego?.packages);
  const missing = packagesOf(documents.values()).find((name) => !bound.has(name));
  if (missing !== undefined)
    throw new InvalidBundle(`the bundle has no Rego package ${missing}, which policies ask for`);
}

/** A real OPA that reads the same bundle must see the same functions as this server. */
function refuseOtherSupplies(entries: Entries, sources: readonly RegoSource[]): void {
  const wanted = suppliedModules(sources);
  const there = [...entries.keys()].filter((name) => name.startsWith(suppliedSources));
  const same = there.every((name) => wanted.get(name)?.equals(need(entries, name)));
  if (!same || there.length !== wanted.size) {
    throw new InvalidBundle(`what is under ${suppliedSources} is not what \`countersign policy build\` writes`);
  }
}

/** Of the users' own Rego a bundle has everything or nothing. */
function userRegoOf(entries: Entries, packages: string[] | undefined): CompiledRego | null {
  const sources = [...entries]
    .filter(([name]) => name.startsWith(userSources) && name !== userProgram)
    .map(([name, content]) => ({ file: name.slice(userSources.length), text: content.toString("utf8") }));
  if (!packages && !entries.has(userProgram) && sources.length === 0) return null;
  if (!packages || sources.length === 0) {
    throw new InvalidBundle(`of user Rego the bundle has not all three: sources, ${userProgram}, and its packages`);
  }
  refuseOtherSupplies(entries, sources);
  const wasm = need(entries, userProgram);
  try {
    return loadCompiled(wasm, packages, sources);
  } catch (error) {
    throw new InvalidBundle(`${userProgram} cannot be used: ${detailOf(error, "message")}`);
  }
}
