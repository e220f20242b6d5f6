import { canonicalJson, sha256Hex } from "../canonical.js";
import { InvalidFile, parseLocated } from "../files/located_yaml.js";
import type { Mode } from "../verdict.js";
import { compilePolicies } from "./compile.js";
import type { AgentDocument } from "./document.js";
import type { Program } from "./program.js";
import { policySchema } from "./schema.js";

/** One compiled set of policies, immutable. */
export interface PolicySet {
  /** `sha256:<hex>` over what decides: the compiled documents and the program that reads them. */
  version: string;
  /** Base names of the files, sorted. */
  files: string[];
  documents: ReadonlyMap<string, AgentDocument>;
  /** What applies to an agent: its own document, or that of agents which no file names. */
  documentOf(agent: string): Applied;
}

/** One agent's document, ready for its calls. */
export interface Applied {
  /** Where it stands in `data.policies`. */
  id: string;
  document: AgentDocument;
  /** Names that these policies take out of calls, whatever becomes of a call. */
  removes: { headers: ReadonlySet<string>; query: ReadonlySet<string> };
}

export interface PolicyText {
  /** As shown in messages and records. */
  file: string;
  text: string;
}

/** Compiles policy texts. Throws `InvalidFile` with the mistakes of all files. */
export function compilePolicySet(texts: readonly PolicyText[], program: Program, defaultMode: Mode): PolicySet {
  const problems: InvalidFile["problems"][number][] = [];
  const sources = texts
    .toSorted((a, b) => (a.file < b.file ? -1 : 1))
    .flatMap(({ file, text }) => {
      try {
        return [parseLocated(file, text, policySchema)];
      } catch (error) {
        if (!(error instanceof InvalidFile)) throw error;
        problems.push(...error.problems);
        return [];
      }
    });
  if (problems.length > 0) throw new InvalidFile(problems);

  const documents = compilePolicies(sources, defaultMode);
  const applied = new Map(
    [...documents].map(([id, document]) => [id, { id, document, removes: removedBy(document) }] as const),
  );
  const everybody = applied.get("*") as Applied;
  const content = canonicalJson({ policies: Object.fromEntries(documents), program: program.sha256 });
  return {
    version: `sha256:${sha256Hex(content)}`,
    files: sources.map((source) => source.file),
    documents,
    documentOf: (agent) => applied.get(agent) ?? everybody,
  };
}

function removedBy({ files }: AgentDocument): Applied["removes"] {
  const changes = files.flatMap(({ actions }) => actions.flatMap(({ sanitize }) => (sanitize ? [sanitize] : [])));
  return {
    headers: new Set(changes.flatMap(({ headers }) => headers.remove)),
    query: new Set(changes.flatMap(({ query }) => query.remove)),
  };
}
