import { setImmediate } from "node:timers/promises";
import { canonicalJson, sha256Hex } from "../canonical.js";
import { InvalidFile, type Located } from "../files/located_yaml.js";
import { type CompiledRego, compileRego, UnknownPackage } from "../rego/compile.js";
import type { Mode } from "../verdict.js";
import { type Documents, joinPolicies } from "./compile.js";
import type { AgentDocument } from "./document.js";
import { compileEach } from "./kept_files.js";
import { packagesOf, placesOf } from "./packages.js";
import { isRego, type PolicyText } from "./policy_text.js";
import type { Program } from "./program.js";
import type { PolicySource } from "./schema.js";

export type { PolicyText } from "./policy_text.js";

/** One compiled set of policies, immutable. */
export interface PolicySet {
  /** `sha256:<hex>` over what decides: the compiled documents, the user's Rego, and the program that reads them. */
  version: string;
  /** Base names of the files, sorted. */
  files: string[];
  documents: ReadonlyMap<string, AgentDocument>;
  /** The user's own Rego; `null` when no policy asks for any. */
  rego: CompiledRego | null;
  /** What applies to an agent: its own document, or that of agents which no file names. */
  documentOf(agent: string): Applied;
}

/** One agent's document, ready for its calls. */
export interface Applied {
  /** Where it stands in `data.policies`. */
  id: string;
  document: AgentDocument;
  /** Names that these policies take out of calls or redact, whatever becomes of a call. */
  removes: { headers: ReadonlySet<string>; query: ReadonlySet<string> };
}

/**
 * Compiles policy texts, YAML or JSON, and the Rego beside them (by the name of the file). Throws `InvalidFile` with the
 * mistakes of all files. Rego needs the `opa` program.
 */
export async function compilePolicySet(
  texts: readonly PolicyText[],
  program: Program,
  defaultMode: Mode,
): Promise<PolicySet> {
  const steps = stepsOf(texts, program, defaultMode);
  let step = steps.next();
  while (!step.done) {
    // Hundreds of files take a while, and decisions go on meanwhile.
    await setImmediate();
    step = steps.next();
  }
  const documents = joinPolicies(step.value, defaultMode);
  const sources = step.value.map(({ source }) => source);
  const rego = await compileRegoOf(texts.filter(isRego), packagesOf(documents.values()), sources);
  const files = texts.map(({ file }) => file).sort();
  return assemblePolicySet({ files, documents, rego }, program);
}

/** The documents of YAML and JSON texts alone, without looking at Rego. Throws `InvalidFile`. */
export function compileDocuments(texts: readonly PolicyText[], program: Program, defaultMode: Mode): Documents {
  const steps = stepsOf(texts, program, defaultMode);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return joinPolicies(step.value, defaultMode);
}

async function compileRegoOf(
  modules: readonly PolicyText[],
  packages: readonly string[],
  sources: readonly Located<PolicySource>[],
): Promise<CompiledRego | null> {
  if (modules.length === 0 && packages.length === 0) return null;
  try {
    return await compileRego(modules, packages);
  } catch (error) {
    if (!(error instanceof UnknownPackage)) throw error;
    throw new InvalidFile(placesOf(error.packages, sources));
  }
}

/** A policy set of what was compiled before: now, or long ago and stored as a bundle. */
export function assemblePolicySet(
  { files, documents, rego }: Pick<PolicySet, "files" | "documents" | "rego">,
  program: Pick<Program, "sha256">,
): PolicySet {
  const applied = new Map(
    [...documents].map(([id, document]) => [id, { id, document, removes: removedBy(document) }] as const),
  );
  const everybody = applied.get("*");
  if (!everybody) throw new Error("a policy set says what holds for agents that it does not name");
  const content = canonicalJson({
    policies: Object.fromEntries(documents),
    program: program.sha256,
    ...(rego && { rego: rego.sha256 }),
  });
  return {
    version: `sha256:${sha256Hex(content)}`,
    files,
    documents,
    rego,
    documentOf: (agent) => applied.get(agent) ?? everybody,
  };
}

function stepsOf(texts: readonly PolicyText[], { patternMistake, sha256 }: Program, defaultMode: Mode) {
  return compileEach(
    texts.filter((text) => !isRego(text)),
    { defaultMode, patternMistake },
    sha256,
  );
}

function removedBy({ files }: AgentDocument): Applied["removes"] {
  const changes = files.flatMap(({ actions }) => actions.flatMap(({ sanitize }) => (sanitize ? [sanitize] : [])));
  return {
    headers: new Set(changes.flatMap(({ headers }) => [...headers.remove, ...headers.redact])),
    query: new Set(changes.flatMap(({ query }) => [...query.remove, ...query.redact])),
  };
}
