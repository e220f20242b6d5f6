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
  const { byPlace, wild } = indexOf(catalogue);
  const named = byPlace.get(place(authority.host, segments.length)) ?? [];
  let match: Match | null = null;
  for (const tools of [named, wild]) {
    for (const tool of tools) {
      if (tool.methods !== null && !tool.methods.has(method)) continue;
      if (!tool.hosts.some((pattern) => matchHost(pattern, authority))) continue;
      const variables = matchPath(tool.path, segments);
      if (!variables) continue;
      if (match) throw new Refusal("ambiguous_tool", "more than one tool matches the call");
      match = { tool, variables };
    }
  }
  return match;
}

/** Each entry is found in one way only, so that none can match twice. */
interface Index {
  /** Entries that name all their hosts, by host and number of segments: the time to match does not grow with the catalogue. */
  byPlace: ReadonlyMap<string, readonly Tool[]>;
  /** Those with a wildcard among their hosts. */
  wild: readonly Tool[];
}

const indexes = new WeakMap<Catalogue, Index>();

function indexOf(catalogue: Catalogue): Index {
  const known = indexes.get(catalogue);
  if (known) return known;
  const byPlace = new Map<string, Tool[]>();
  const wild: Tool[] = [];
  for (const tool of catalogue.tools) {
    if (tool.hosts.some(({ wildcard }) => wildcard)) {
      wild.push(tool);
      continue;
    }
    for (const host of new Set(tool.hosts.map((pattern) => pattern.host))) {
      const at = place(host, tool.path.length);
      const there = byPlace.get(at);
      if (there) there.push(tool);
      else byPlace.set(at, [tool]);
    }
  }
  const index = { byPlace, wild };
  indexes.set(catalogue, index);
  return index;
}

/** No host has a blank in it. */
function place(host: string, segments: number): string {
  return `${host} ${segments}`;
}
