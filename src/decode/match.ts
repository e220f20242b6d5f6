import type { Authority } from "../host/authority.js";
import { type HostPattern, matchHost } from "../host/pattern.js";
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
  const { byHost, wild } = indexOf(catalogue);
  const named = byHost.get(authority.host)?.get(segments.length) ?? none;
  let match: Match | null = null;
  for (let i = 0; i < named.length + wild.length; i++) {
    const tool = (i < named.length ? named[i] : wild[i - named.length]) as Tool;
    if (tool.methods !== null && !tool.methods.has(method)) continue;
    if (!isAt(tool.hosts, authority)) continue;
    const variables = matchPath(tool.path, segments);
    if (!variables) continue;
    if (match) throw new Refusal("ambiguous_tool", "more than one tool matches the call");
    match = { tool, variables };
  }
  return match;
}

const none: readonly Tool[] = [];

function isAt(hosts: readonly HostPattern[], authority: Authority): boolean {
  for (const pattern of hosts) if (matchHost(pattern, authority)) return true;
  return false;
}

/** Each entry is found in one way only, so that none can match twice. */
interface Index {
  /** Entries that name all their hosts, by host and number of segments: the time to match does not grow with the catalogue. */
  byHost: ReadonlyMap<string, ReadonlyMap<number, readonly Tool[]>>;
  /** Those with a wildcard among their hosts. */
  wild: readonly Tool[];
}

const indexes = new WeakMap<Catalogue, Index>();

function indexOf(catalogue: Catalogue): Index {
  const known = indexes.get(catalogue);
  if (known) return known;
  const byHost = new Map<string, Map<number, Tool[]>>();
  const wild: Tool[] = [];
  for (const tool of catalogue.tools) {
    if (tool.hosts.some(({ wildcard }) => wildcard)) {
      wild.push(tool);
      continue;
    }
    for (const host of new Set(tool.hosts.map((pattern) => pattern.host))) {
      const byLength = byHost.get(host) ?? new Map<number, Tool[]>();
      byHost.set(host, byLength);
      const there = byLength.get(tool.path.length);
      if (there) there.push(tool);
      else byLength.set(tool.path.length, [tool]);
    }
  }
  const index = { byHost, wild };
  indexes.set(catalogue, index);
  return index;
}
