/** The scopes of a space-separated claim (RFC 6749 section 3.3); no claim = no scope. */
export function scopesOf(claim: string | undefined): string[] {
  return (claim ?? "").split(" ").filter((scope) => scope !== "");
}

/**
 * What both lists permit: for each pair the narrower of the two, where they meet at all.
 * A scope without a colon permits nothing, as in `scopeCovers`.
 */
export function meetScopes(registered: readonly string[], granted: readonly string[]): string[] {
  const met = registered.flatMap((a) => granted.map((b) => meet(a, b)));
  return [...new Set(met.filter((scope) => scope !== null))];
}

function meet(a: string, b: string): string | null {
  const [left, right] = [parts(a), parts(b)];
  if (!left || !right) return null;
  const tool = narrower(left.tool, right.tool);
  const action = narrower(left.action, right.action);
  return tool === null || action === null ? null : `${tool}:${action}`;
}

function narrower(a: string, b: string): string | null {
  if (a === "*") return b;
  return b === "*" || a === b ? a : null;
}

function parts(scope: string): { tool: string; action: string } | null {
  const colon = scope.indexOf(":");
  return colon < 0 ? null : { tool: scope.slice(0, colon), action: scope.slice(colon + 1) };
}
