import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { loadCatalogue } from "../decode/catalogue.js";
import { InvalidFile } from "../files/located_yaml.js";
import { compilePolicySet, type PolicyText } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import { parseAgentsFile } from "../registry/agents_file.js";
import { type LoadedRegistry, loadRegistry } from "../registry/load.js";
import { parsePeopleFile } from "../registry/people_file.js";
import type { Mode } from "../verdict.js";
import type { Parts } from "./workspace.js";

/** Where the user's files are. */
export interface WorkspacePaths {
  policies: string;
  tools: string;
  agents: string;
  people: string;
}

/** How each part of a workspace is made of its files. */
export const parts: {
  [P in keyof Parts]: {
    watches: (paths: WorkspacePaths) => string[];
    load: (paths: WorkspacePaths, program: Program, mode: Mode) => Parts[P];
  };
} = {
  policies: {
    watches: ({ policies }) => [policies, ...policyFiles(policies)],
    load: ({ policies }, program, mode) => compilePolicySet(readPolicies(policies), program, mode),
  },
  catalogue: {
    watches: ({ tools }) => [tools],
    load: ({ tools }) => loadCatalogue(basename(tools), readText(tools)),
  },
  agents: {
    watches: ({ agents }) => [agents],
    load: ({ agents }) => parseAgentsFile(basename(agents), readText(agents)),
  },
  people: {
    watches: ({ people }) => [people],
    load: ({ people }) => parsePeopleFile(basename(people), readText(people)),
  },
};

/** Reads agents and people. Throws `InvalidFile`. */
export function loadRegistered({ agents, people }: Pick<WorkspacePaths, "agents" | "people">): LoadedRegistry {
  return loadRegistry({
    agents: { file: basename(agents), text: readText(agents) },
    people: { file: basename(people), text: readText(people) },
  });
}

/** Reads every policy file of a folder, or one file. Throws `InvalidFile` when there is none, or one of another kind. */
export function readPolicies(path: string): PolicyText[] {
  const files = policyFiles(path);
  if (files.length === 0) throw unusable(path, "there are no policies: expected a folder with .yaml or .json files");
  const rego = files.find((file) => /\.rego$/i.test(file));
  if (rego) throw unusable(rego, "Rego files are not supported by this version; remove it, or write the rule in YAML");
  return files.map((file) => ({ file: basename(file), text: readText(file) }));
}

/** Policy files of a folder, sorted; hidden files (as Kubernetes and editors leave them) and other kinds are passed over. */
function policyFiles(path: string): string[] {
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

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw unusable(path, "cannot be read");
  }
}

function unusable(path: string, message: string): InvalidFile {
  return new InvalidFile([{ file: path, line: 1, column: 1, path: "", message }]);
}

/** Two writes within one tick of the file system's clock leave the same stamp, so a young one proves nothing. */
const settledMs = 2_000;

/** Changes when any of the files does: name, times, size or the file behind a link. `null` while they are too young to tell. */
export function stampOf(paths: readonly string[]): string | null {
  const stamps = paths.map((path) => {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(path);
      const young = Date.now() - Math.max(mtimeMs, ctimeMs) < settledMs;
      return young ? null : `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    } catch {
      return `${path} missing`;
    }
  });
  return stamps.includes(null) ? null : stamps.join("\n");
}

/** Changes when the names or the contents of the files do. Folders count by the files listed beside them. */
export function contentOf(paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(`${JSON.stringify(path)}\n`).update(digestOf(path));
  return hash.digest("hex");
}

function digestOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
  }
}
