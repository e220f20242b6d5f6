import { createHash } from "node:crypto";
import { canonicalJson } from "../canonical.js";
import { InvalidFile, type Located } from "../files/located_yaml.js";
import { type CompiledRego, compileRego, UnknownPackage } from "../rego/compile.js";
import { atOnce, inSlices } from "../slices.js";
import type { Mode } from "../verdict.js";
import type { AgentDocument } from "./document.js";
import { policiesJson, sharing } from "./documents_json.js";
import { type Documents, joinPolicies } from "./join.js";
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
  /** By agent; agents of whom the same is said have the same object. */
  documents: Documents;
  /** The user's own Rego; `null` when no policy asks for any. */
  rego: CompiledRego | null;
  /** What applies to an agent: its own document, or that of agents which no file names. */
  documentOf(agent: string): Applied;
}

/** One agent's document, ready for its calls. */
export interface Applied {
  /** Where it is to stand in `data.policies` for the program; `*` for a document that several agents share. */
  id: string;
  document: AgentDocument;
  /** Names that these policies take out of calls or redact, whatever becomes of a call. */
  removes: { headers: ReadonlySet<string>; query: ReadonlySet<string> };
}

/**
 * Compiles policy texts, YAML or JSON, and the Rego beside them (by the name of the file). Throws `InvalidFile` with the
 * mistakes of all files. Rego needs the `opa` program. Decisions go on meanwhile.
 */
export async function compilePolicySet(
  texts: readonly PolicyText[],
  program: Program,
  defaultMode: Mode,
): Promise<PolicySet> {
  const compiled = await inSlices(stepsOf(texts, program, defaultMode));
  const documents = await inSlices(joinPolicies(compiled, defaultMode));
  const sources = compiled.map(({ source }) => source);
  const rego = await compileRegoOf(texts.filter(isRego), packagesOf(documents.values()), sources);
  const files = texts.map(({ file }) => file).sort();
  return inSlices(assembling({ files, documents, rego }, program));
}

/** The documents of YAML and JSON texts alone, without looking at Rego. Throws `InvalidFile`. */
export function compileDocuments(texts: readonly PolicyText[], program: Program, defaultMode: Mode): Documents {
  return atOnce(joinPolicies(atOnce(stepsOf(texts, program, defaultMode)), defaultMode));
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
export function assemblePolicySet(content: Content, program: Pick<Program, "sha256">): PolicySet {
  return atOnce(assembling(content, program));
}

type Content = Pick<PolicySet, "files" | "documents" | "rego">;

/** Assembles a policy set, a document a step. */
export function* assembling(
  { files, documents: given, rego }: Content,
  program: Pick<Program, "sha256">,
): Generator<void, PolicySet> {
  const documents = yield* sharing(given);
  const applied = yield* appliedBy(documents);
  const everybody = applied.get(documents.get("*"));
  if (!everybody) throw new Error("a policy set says what holds for agents that it does not name");
  const hash = createHash("sha256");
  // The canonical JSON of the three, in pieces: that of 100,000 documents at once may be longer than a string can be.
  hash.update('{"policies":');
  for (const piece of policiesJson(documents)) {
    hash.update(piece);
    yield;
  }
  hash.update(`,${canonicalJson({ program: program.sha256, ...(rego && { rego: rego.sha256 }) }).slice(1)}`);
  return {
    version: `sha256:${hash.digest("hex")}`,
    files,
    documents,
    rego,
    documentOf: (agent) => applied.get(documents.get(agent)) ?? everybody,
  };
}

/** What applies by each document. One that several agents share is put before the program as everybody's. */
function* appliedBy(documents: Documents): Generator<void, Map<AgentDocument | undefined, Applied>> {
  const applied = new Map<AgentDocument | undefined, Applied>();
  for (const [id, document] of documents) {
    const known = applied.get(document);
    if (!known) applied.set(document, { id, document, removes: removedBy(document) });
    else known.id = "*";
    yield;
  }
  return applied;
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
