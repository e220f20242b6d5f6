/** The scopes of a space-separated claim (RFC 6749 section 3.3); no claim = no scope. */
export function scopesOf(claim: string | undefined): string[] {
  return (claim ?? "").split(" ").filter((scope) => scope !== "");
}

/**
 * What both lists permit: for each pair the narrower of the two, where they meet at all.
 * A scope without a colon permits nothing, as in `scopeCovers`.
 */
export function meetScopes(registered: readonly string[], granted: readonly string[]): string[] {
  return [...new Set(meetings(registered, granted))];
}

const remembered = new WeakMap<object, { registered: readonly string[]; met: readonly string[] }>();

/**
 * `meetScopes` with what a verified token says, as long as `token` is the same object and the agent's scopes are the same
 * list: two long lists meet in many scopes, and a token comes with each call.
 */
export function metScopes(
  token: object,
  registered: readonly string[],
  granted: () => readonly string[],
): readonly string[] {
  const known = remembered.get(token);
  if (known?.registered === registered) return known.met;
  const met = meetScopes(registered, granted());
  remembered.set(token, { registered, met });
  return met;
}

/** True for a scope that one of the patterns permits whole. The patterns are read once. */
export function coverage(patterns: readonly string[]): (scope: string) => boolean {
  const all = new Set(patterns);
  return (scope) => {
    const found = parts(scope);
    if (!found) return false;
    const { tool, action } = found;
    return [scope, `${tool}:*`, `*:${action}`, "*:*"].some((pattern) => all.has(pattern));
  };
}

/** What the pairs meet in, some of it more than once. Pairs of different tools, or of different actions, cost nothing. */
export function* meetings(registered: readonly string[], granted: readonly string[]): Generator<string> {
  const { byTool, byAction, all } = indexed(granted);
  for (const a of new Set(registered)) {
    const left = parts(a);
    if (!left) continue;
    const sameTool = left.tool === "*" ? null : [byTool.get(left.tool), byTool.get("*")];
    const sameAction = left.action === "*" ? null : [byAction.get(left.action), byAction.get("*")];
    for (const right of (fewer(sameTool, sameAction) ?? [all]).flatMap((found) => found ?? [])) {
      const met = meet(left, right);
      if (met !== null) yield met;
    }
  }
}

interface Scope {
  tool: string;
  action: string;
}

function indexed(scopes: readonly string[]) {
  const all = [...new Set(scopes)].flatMap((scope) => parts(scope) ?? []);
  return { all, byTool: grouped(all, ({ tool }) => tool), byAction: grouped(all, ({ action }) => action) };
}

function grouped(scopes: readonly Scope[], key: (scope: Scope) => string): Map<string, Scope[]> {
  const groups = new Map<string, Scope[]>();
  for (const scope of scopes) {
    const group = groups.get(key(scope));
    if (group) group.push(scope);
    else groups.set(key(scope), [scope]);
  }
  return groups;
}

type Candidates = readonly (readonly Scope[] | undefined)[];

function fewer(a: Candidates | null, b: Candidates | null): Candidates | null {
  if (!a || !b) return a ?? b;
  return size(a) <= size(b) ? a : b;
}

function size(candidates: Candidates): number {
  return candidates.reduce((sum, group) => sum + (group?.length ?? 0), 0);
}

function meet(left: Scope, right: Scope): string | null {
  const tool = narrower(left.tool, right.tool);
  const action = narrower(left.action, right.action);
  return tool === null || action === null ? null : `${tool}:${action}`;
}

function narrower(a: string, b: string): string | null {
  if (a === "*") return b;
  return b === "*" || a === b ? a : null;
}

function parts(scope: string): Scope | null {
  const colon = scope.indexOf(":");
  return colon < 0 ? null : { tool: scope.slice(0, colon), action: scope.slice(colon + 1) };
}
