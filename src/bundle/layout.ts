import type { RegoSource } from "../rego/compiled.js";
import { suppliedTo } from "../rego/generated.js";
import { InvalidBundle } from "./error.js";

/** Names in a bundle. OPA gives a meaning to the first three. */
export const manifestFile = ".manifest";
export const dataFile = "data.json";
export const programFile = "policy.wasm";
/** The Rego sources of the program. */
export const programSources = "countersign/";
/** The users' own Rego: its sources, and what they were compiled to. */
export const userSources = "rego/";
export const userProgram = "rego/user.wasm";
/** What the server gives to each of their packages, so that a real OPA has it too. */
export const suppliedSources = "supplied/";

/** What a bundle owns of OPA's `data`: the program's package, the documents it reads, and the users' own packages. */
export function rootsOf(sources: readonly RegoSource[]): string[] {
  const tops = sources.map((source) => packageOf(source).split(".")[0] ?? "");
  return [...new Set(["countersign", "policies", ...tops])].sort();
}

/** The supplied modules by their names in a bundle. */
export function suppliedModules(sources: readonly RegoSource[]): Map<string, Buffer> {
  const packages = [...new Set(sources.map(packageOf))].sort();
  return new Map(packages.map((name) => [`${suppliedSources}${name}.rego`, Buffer.from(suppliedTo(name))]));
}

/** A module's package, which is the first thing that a module says. */
function packageOf({ file, text }: RegoSource): string {
  const first = text.split("\n").find((line) => !/^\s*(#|$)/.test(line)) ?? "";
  const name = /^\s*package\s+([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*(?:#|$)/.exec(first)?.[1];
  if (name === undefined) throw new InvalidBundle(`${file} does not begin with its package`);
  return name;
}
