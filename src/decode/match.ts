import type { Authority } from "../host/authority.js";
import { matchHost } from "../host/pattern.js";
import { Refusal } from "../refusal.js";
import type { Catalogue } from "./catalogue.js";
import { matchPath } from "./path_template.js";
import type { Tool } from "./tool.js";

/** An entry that matches, and what its path variables stand for. */
export interface Match {
  tool: Tool;
  variables: Readonly<Record<string, string>>;
}

/** The one entry that matches, or `null`. Throws `ambiguous_tool` when several do. */
export function matchTool(
  catalogue: Catalogue,
  authority: Authority,
  method: string,
  segments: readonly string[],
): Match | null {
  const matches = catalogue.tools.flatMap((tool) => {
    if (tool.methods !== null && !tool.methods.has(method)) return [];
    if (!tool.hosts.some((pattern) => matchHost(pattern, authority))) return [];
    const variables = matchPath(tool.path, segments);
    return variables ? [{ tool, variables }] : [];
  });
  if (matches.length > 1) throw new Refusal("ambiguous_tool", "more than one tool matches the call");
  return matches[0] ?? null;
}
