import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { loadCatalogue } from "../decode/catalogue.js";
import { InvalidFile } from "../files/located_yaml.js";
import { compilePolicySet, type PolicyText } from "../policies/policy_set.js";
import type { Program } from "../policies/program.js";
import { type LoadedRegistry, loadRegistry } from "../registry/load.js";
import type { Mode } from "../verdict.js";
import type { Workspace } from "./workspace.js";

/** Where the user's files are. */
export interface WorkspacePaths {
  policies: string;
  tools: string;
  agents: string;
  people: string;
}

/** How each part of a workspace is made of its files. Parts are independent: a bad one does not hold up the others. */
export const parts: {
  [P in keyof Workspace]: {
    watches: (paths: WorkspacePaths) => string[];
    load: (paths: WorkspacePaths, program: Program, mode: Mode) => Workspace[P];
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
  registry: {
    watches: ({ agents, people }) => [agents, people],
    load: loadRegistered,
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
  const rego = files.find((file) => file.endsWith(".rego"));
  if (rego) throw unusable(rego, "Rego files are not supported by this version; remove it, or write the rule in YAML");
  return files.map((file) => ({ file: basename(file), text: readText(file) }));
}

/** Policy files of a folder, sorted; hidden files (as Kubernetes and editors leave them) and other kinds are passed over. */
function policyFiles(path: string): string[] {
  const kinds = /\.(ya?ml|json|rego)$/;
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

/** Changes when any of the files does: name, time, size or the file behind a link. */
export function signature(paths: readonly string[]): string {
  return paths.map(stamp).join("\n");
}

function stamp(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${path} ${ino} ${size} ${mtimeMs}`;
  } catch {
    return `${path} missing`;
  }
}
