import { InvalidFile, type Problem, parseLocated } from "../files/located_yaml.js";
import { hostsOverlap } from "../host/pattern.js";
import { catalogueSchema } from "./catalogue_schema.js";
import { compileTool } from "./compile_tool.js";
import { describedOverlap } from "./described_tool.js";
import { pathsOverlap } from "./path_template.js";
import type { Tool } from "./tool.js";

/** The mapping from raw HTTP to calls. */
export interface Catalogue {
  tools: readonly Tool[];
}

/**
 * Reads `tools.yaml`. Throws `InvalidFile` with every mistake, its line and its column. Entries that can match the same
 * request are told once each of them is right by itself.
 */
export function loadCatalogue(file: string, text: string): Catalogue {
  const located = parseLocated(file, text, catalogueSchema);
  const problems: Problem[] = [];
  const tools = located.value.tools.map((entry, index) =>
    compileTool(entry, (path, message) => problems.push(located.problem(["tools", index, ...path], message))),
  );
  if (problems.length > 0) throw new InvalidFile(problems);

  for (const [later, earlier] of overlaps(tools, toolsOverlap)) {
    const message = `${nameOf(tools, later)} can match the same request as ${nameOf(tools, earlier)}`;
    problems.push(located.problem(["tools", later, "match"], message));
  }
  for (const [later, earlier] of overlaps(tools, describedOverlap)) {
    const message = `${nameOf(tools, later)} can be meant by the same described call as ${nameOf(tools, earlier)}`;
    problems.push(located.problem(["tools", later, "name"], message));
  }
  if (problems.length > 0) throw new InvalidFile(problems);
  return { tools };
}

/** Positions of entries that can be for what an earlier entry is for, each with the first such earlier one. */
function overlaps(tools: readonly Tool[], overlap: (a: Tool, b: Tool) => boolean): [later: number, earlier: number][] {
  return tools.flatMap((tool, later) => {
    const earlier = tools.slice(0, later).findIndex((other) => overlap(tool, other));
    return earlier < 0 ? [] : [[later, earlier] as [number, number]];
  });
}

function toolsOverlap(a: Tool, b: Tool): boolean {
  const methods = a.methods === null || b.methods === null || [...a.methods].some((method) => b.methods?.has(method));
  return (
    methods && pathsOverlap(a.path, b.path) && a.hosts.some((one) => b.hosts.some((two) => hostsOverlap(one, two)))
  );
}

function nameOf(tools: readonly Tool[], index: number): string {
  return `${tools[index]?.name} (tools[${index}])`;
}
