import { needlesOf } from "../audit_query/filter.js";
import { type Found, Search, type SearchOptions, type UnreadableLine } from "../audit_query/search.js";
import { scopeCovers } from "../call.js";

/** What an agent may do, as the registry has it. */
export interface Granted {
  id: string;
  scopes: readonly string[];
  roles: readonly string[];
  disabled: boolean;
}

/** How often, and when for the last time. */
interface Use {
  calls: number;
  /** RFC 3339; `null` = never. */
  last: string | null;
}

interface ActionUse extends Use {
  /** `null` of refusals that were counted together. */
  tool: string | null;
  action: string | null;
}

export interface GrantUse extends Use {
  /** `tool:action`, `*` standing for a whole part. */
  scope: string;
  /** Of a wildcard: what would have been enough. `null` of a scope without one. */
  enough: string[] | null;
}

export interface AgentScopes {
  agent_id: string;
  /** False of an agent that has records and is registered no longer. */
  registered: boolean;
  disabled: boolean;
  roles: readonly string[];
  grants: GrantUse[];
  /** Scopes that its tokens had, whatever the registry grants. `calls` counts those that the scope was needed for. */
  token_scopes: GrantUse[];
  /** Calls that were let through. */
  used: ActionUse[];
  /** Calls that were outside its scopes. */
  exceeded: ActionUse[];
  /** True when there was more of it than is told apart. */
  cut: boolean;
}

export interface ScopesReport {
  /** What of the span was read, RFC 3339: `from` is `null` where everything there is was read. */
  covered: { from: string | null; to: string | null; complete: boolean };
  agents: AgentScopes[];
  unreadable: UnreadableLine[];
}

/** Bounds on what is told apart, whatever the records hold. */
const most = { agents: 10_000, actions: 1_000, scopes: 500 };

export interface ScopesOptions extends Omit<SearchOptions, "positions"> {
  fromMs?: number;
  toMs?: number;
}

/** Compares what agents were granted with what they used, from the records of their calls. */
export async function scopesReport(
  paths: readonly string[],
  granted: readonly Granted[],
  options: ScopesOptions = {},
): Promise<ScopesReport> {
  const { fromMs, toMs } = options;
  const needles = needlesOf({ kind: "decision" });
  const search = await Search.in(
    paths,
    {
      wants: (line) => needles.every((needle) => line.includes(needle)),
      accepts: ({ kind }) => kind === "decision",
      ...(fromMs !== undefined && { fromMs }),
      ...(toMs !== undefined && { toMs }),
    },
    options,
  );
  const seen = new Map<string, Seen>();
  let all = true;
  let oldest: string | null = null;
  for await (const found of search) {
    const at = Date.parse(found.record.timestamp);
    if (at >= (fromMs ?? Number.NEGATIVE_INFINITY) && at < (toMs ?? Number.POSITIVE_INFINITY))
      all = count(found, seen) && all;
    oldest = found.record.timestamp;
  }
  const from = search.paused ? oldest : iso(fromMs);
  return {
    covered: { from, to: iso(toMs), complete: !search.paused && all },
    agents: agentsOf(granted, seen),
    unreadable: await search.unreadable(),
  };
}

const iso = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** What was seen of one agent. */
interface Seen {
  used: Map<string, ActionUse>;
  exceeded: Map<string, ActionUse>;
  tokens: Set<string>;
  cut: boolean;
}

/** Members as they are in records of decisions; records are read from disk, so each is looked at before it is used. */
interface Counted {
  agent_id?: unknown;
  tool?: unknown;
  action?: unknown;
  enforced?: unknown;
  reason?: unknown;
  timestamp: string;
  token?: { scope?: unknown } | null;
  aggregated?: { count?: unknown };
}

/** False when there was no room for another agent. */
function count({ record }: Found, seen: Map<string, Seen>): boolean {
  const { agent_id: agent, enforced, reason, token, ...rest } = { ...record } as Counted;
  if (typeof agent !== "string") return true;
  if (!seen.has(agent) && seen.size >= most.agents) return false;
  const one = seen.get(agent) ?? { used: new Map(), exceeded: new Map(), tokens: new Set<string>(), cut: false };
  seen.set(agent, one);
  if (enforced === "allow" || enforced === "sanitize") add(one, one.used, rest);
  if (reason === "scope_exceeded") add(one, one.exceeded, rest);
  for (const scope of typeof token?.scope === "string" ? token.scope.split(" ") : []) {
    if (scope === "" || one.tokens.has(scope)) continue;
    if (one.tokens.size >= most.scopes) one.cut = true;
    else one.tokens.add(scope);
  }
  return true;
}

function add(one: Seen, uses: Map<string, ActionUse>, { tool, action, timestamp, aggregated }: Counted): void {
  const named = { tool: typeof tool === "string" ? tool : null, action: typeof action === "string" ? action : null };
  const key = JSON.stringify([named.tool, named.action]);
  const use = uses.get(key) ?? { ...named, calls: 0, last: null };
  if (!uses.has(key) && uses.size >= most.actions) {
    one.cut = true;
    return;
  }
  use.calls += typeof aggregated?.count === "number" ? aggregated.count : 1;
  if (use.last === null || timestamp > use.last) use.last = timestamp;
  uses.set(key, use);
}

function agentsOf(granted: readonly Granted[], seen: ReadonlyMap<string, Seen>): AgentScopes[] {
  const known = new Map(granted.map((agent) => [agent.id, agent]));
  const ids = [...new Set([...known.keys(), ...seen.keys()])].sort();
  return ids.map((id) => {
    const { scopes = [], roles = [], disabled = false } = known.get(id) ?? {};
    const { used = new Map(), exceeded = new Map(), tokens = [], cut = false } = seen.get(id) ?? {};
    const uses = ordered(used.values());
    return {
      agent_id: id,
      registered: known.has(id),
      disabled,
      roles,
      grants: scopes.map((scope) => useOf(scope, uses)),
      token_scopes: [...tokens].sort().map((scope) => useOf(scope, uses)),
      used: uses,
      exceeded: ordered(exceeded.values()),
      cut,
    };
  });
}

function useOf(scope: string, used: readonly ActionUse[]): GrantUse {
  const covered = used.filter(
    ({ tool, action }) => tool !== null && action !== null && scopeCovers(scope, tool, action),
  );
  const times = covered.flatMap(({ last }) => (last === null ? [] : [last])).sort();
  return {
    scope,
    calls: covered.reduce((sum, { calls }) => sum + calls, 0),
    last: times.at(-1) ?? null,
    enough: isWildcard(scope) ? covered.map(({ tool, action }) => `${tool}:${action}`) : null,
  };
}

function isWildcard(scope: string): boolean {
  return scope.startsWith("*:") || scope.endsWith(":*");
}

/** The most used first. */
function ordered(uses: Iterable<ActionUse>): ActionUse[] {
  return [...uses].sort(
    (a, b) => b.calls - a.calls || `${a.tool}:${a.action}`.localeCompare(`${b.tool}:${b.action}`, "en"),
  );
}
