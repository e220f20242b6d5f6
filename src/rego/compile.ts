import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extract } from "tar";
import { sha256Hex } from "../canonical.js";
import { formatProblem, InvalidFile, type Problem } from "../files/located_yaml.js";
import { allowed } from "./builtins.js";
import { type CompiledRego, loadCompiled, type RegoSource } from "./compiled.js";
import { declaredBy, readSyntaxTree } from "./declared.js";
import { entrypointOf, entrypointTo, suppliedTo } from "./generated.js";
import { capabilitiesOf, type Opa, type OpaError, OpaFailed, opaIn } from "./opa.js";
import { type Given, translator } from "./translate.js";

export { type CompiledRego, loadCompiled, type RegoSource };

/** Packages that policies bind and no file declares. */
export class UnknownPackage extends Error {
  override name = "UnknownPackage";
  readonly packages: readonly string[];

  constructor(packages: readonly string[]) {
    super(`no .rego file declares package ${packages.join(", ")}`);
    this.packages = packages;
  }
}

const kept = 8;
const lately = new Map<string, Promise<CompiledRego>>();

/**
 * Compiles Rego to WebAssembly, with an entrypoint for each bound package (`agent.deploy`); files that no binding needs
 * are compiled too, so that their mistakes show. Needs the `opa` program, unless the same was compiled lately. Throws
 * `InvalidFile` with every mistake OPA tells, or for want of a working `opa`, and `UnknownPackage`.
 */
export function compileRego(
  modules: readonly RegoSource[],
  packages: readonly string[],
  options: { opa?: string } = {},
): Promise<CompiledRego> {
  const sources = [...modules].sort((a, b) => (a.file < b.file ? -1 : 1));
  const bound = [...new Set(packages)].sort();
  const key = sha256Hex(JSON.stringify([sources.map(({ file, text }) => [file, text]), bound]));
  const compiled = lately.get(key) ?? inFolder((folder) => compile(sources, bound, folder, opaIn(folder, options.opa)));
  lately.delete(key);
  lately.set(key, compiled);
  // Mistakes are not kept: `opa` may be there the next time.
  compiled.catch(() => lately.get(key) === compiled && lately.delete(key));
  for (const oldest of [...lately.keys()].slice(0, -kept)) lately.delete(oldest);
  return compiled;
}

async function compile(
  sources: readonly RegoSource[],
  bound: readonly string[],
  folder: string,
  opa: Opa,
): Promise<CompiledRego> {
  const [first] = sources;
  if (first === undefined && bound.length > 0) throw new UnknownPackage(bound);
  if (first === undefined) return loadCompiled(new Uint8Array(), [], []);
  try {
    return await compileFiles(sources, bound, folder, opa);
  } catch (error) {
    if (!(error instanceof OpaFailed)) throw error;
    throw new InvalidFile([{ file: first.file, line: 1, column: 1, path: "", message: error.message }]);
  }
}

async function compileFiles(
  sources: readonly RegoSource[],
  bound: readonly string[],
  folder: string,
  opa: Opa,
): Promise<CompiledRego> {
  const capabilities = await capabilitiesOf(opa);
  const known = new Set(capabilities.builtins.map(({ name }) => name));
  // Schemas named in comments are not fetched: no host is allowed.
  const ours = {
    ...capabilities,
    builtins: capabilities.builtins.filter(({ name }) => allowed.has(name)),
    allow_net: [],
  };
  await writeFile(join(folder, "capabilities.json"), JSON.stringify(ours));

  const modules = sources.map(({ file, text }, i) => ({ name: `module-${i}.rego`, file, generated: false, text }));
  await writeGiven(folder, modules);
  const declared = await declaredByAll(opa, modules, bound, translator(modules, known));

  const generated = [...declared].flatMap(([name, file], i) => [
    { name: `supplied-${i}.rego`, file, generated: true, text: suppliedTo(name) },
    ...(bound.includes(name)
      ? [{ name: `entrypoint-${i}.rego`, file, generated: true, text: entrypointTo(name) }]
      : []),
  ]);
  await writeGiven(folder, generated);
  const given = [...modules, ...generated];
  const names = [...given.map(({ name }) => name), "--capabilities", "capabilities.json"];
  const judged = await opa.judge(["check", "--format", "json", "--max-errors", "0", ...names]);
  if ("errors" in judged) throw new InvalidFile(distinct(judged.errors.map(translator(given, known))));

  const missing = bound.filter((name) => !declared.has(name));
  if (missing.length > 0) throw new UnknownPackage(missing);
  return loadBuilt(bound.length === 0 ? new Uint8Array() : await build(opa, folder, bound, names), bound, sources);
}

async function writeGiven(folder: string, given: readonly Given[]): Promise<void> {
  for (const { name, text } of given) await writeFile(join(folder, name), text);
}

/** Some mistakes are told once for the user's file and once for what is generated beside it. */
function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}

/** Each package that can be bound, with the first file that declares it. */
async function declaredByAll(
  opa: Opa,
  modules: readonly Given[],
  bound: readonly string[],
  translate: (error: OpaError) => Problem,
): Promise<Map<string, string>> {
  const declared = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { name, file } of modules) {
    const parsed = await opa.judge(["parse", "--format", "json", "--json-include", "locations,-comments", name]);
    if ("errors" in parsed) {
      problems.push(...parsed.errors.map(translate));
      continue;
    }
    const found = declaredBy(file, readSyntaxTree(parsed.output), bound);
    problems.push(...found.problems);
    if (found.name !== null && !declared.has(found.name)) declared.set(found.name, file);
  }
  if (problems.length > 0) throw new InvalidFile(problems);
  return declared;
}

async function build(opa: Opa, folder: string, bound: readonly string[], names: readonly string[]): Promise<Buffer> {
  const entrypoints = bound.flatMap((name) => ["--entrypoint", entrypointOf(name)]);
  await opa.run(["build", "--target", "wasm", ...entrypoints, "--output", "bundle.tar.gz", ...names]);
  await extract({ file: join(folder, "bundle.tar.gz"), cwd: folder, filter: (path) => path.endsWith("policy.wasm") });
  return readFile(join(folder, "policy.wasm"));
}

function loadBuilt(wasm: Uint8Array, bound: readonly string[], sources: readonly RegoSource[]): CompiledRego {
  try {
    return loadCompiled(wasm, bound, sources);
  } catch (error) {
    throw new OpaFailed(`what this opa makes of the policies cannot be used: ${String(error)}`, { cause: error });
  }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-rego-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
