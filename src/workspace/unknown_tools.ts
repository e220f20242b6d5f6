import type { Workspace } from "./workspace.js";

/**
 * Tools that policies name and the catalogue does not have. A policy for such a tool never applies, and a slip in the
 * name of a guardrail's tool would leave the tool unguarded. One sentence each, for the operator.
 */
export function unknownTools({ policies, catalogue }: Pick<Workspace, "policies" | "catalogue">): string[] {
  const known = new Set(catalogue.tools.map((tool) => tool.name));
  const named = [...new Set(policies.documents.values())].flatMap(({ files }) =>
    files.flatMap(({ file, tools = [] }) => tools.filter((tool) => !known.has(tool)).map((tool) => ({ file, tool }))),
  );
  const sentences = named.map(
    ({ file, tool }) => `${file}: the catalogue has no tool ${tool}, so this never applies to it`,
  );
  return [...new Set(sentences)].sort();
}
