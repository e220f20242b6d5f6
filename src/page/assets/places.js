// @ts-check
/** @typedef {(typeof filters)[number]} FilterName */
/** @typedef {Partial<Record<FilterName, string>>} Filter What records are asked for; `cursor` = those after. */
/**
 * What an address shows.
 *
 * @typedef {{ kind: "overview" } | { kind: "scopes" } | { kind: "decisions", filter: Filter }
 *   | { kind: "decision", id: string } | { kind: "deployment", id: string }} Place
 */

/** Names of the query of `#decisions`; the same as those of `GET /v1/audit`. */
export const filters = /** @type {const} */ ([
  "agent_id",
  "decision",
  "environment",
  "service",
  "from",
  "deployment_id",
  "session_id",
  "reason",
  "approver",
  "cursor",
]);

/** @param {{ pathname: string, search: string, hash: string }} at @returns {Place} */
export function placeOf({ pathname, search, hash }) {
  const [, kind, id] = /^\/dashboard\/(decisions|deployments)\/([^/]+)$/.exec(pathname) ?? [];
  const decoded = id === undefined ? null : decodedOf(id);
  if (decoded !== null) return { kind: kind === "decisions" ? "decision" : "deployment", id: decoded };
  if (hash === "#scopes") return { kind: "scopes" };
  if (hash !== "#decisions") return { kind: "overview" };
  const given = new URLSearchParams(search);
  /** @type {Filter} */
  const filter = {};
  for (const name of filters) {
    const value = given.get(name);
    if (value) filter[name] = value;
  }
  return { kind: "decisions", filter };
}

/** @param {string} text */
function decodedOf(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Address of the decisions that fit. @param {Filter} filter */
export function decisionsAt(filter) {
  const query = queryOf(filter);
  return `/dashboard${query === "" ? "" : `?${query}`}#decisions`;
}

/** Without what is empty. @param {Readonly<Record<string, string | undefined>>} filter */
export function queryOf(filter) {
  const given = Object.entries(filter).flatMap(([name, value]) => (value ? [[name, value]] : []));
  return new URLSearchParams(given).toString();
}

/** @param {string} id */
export function decisionAt(id) {
  return `/dashboard/decisions/${encodeURIComponent(id)}`;
}

/** @param {string} id */
export function deploymentAt(id) {
  return `/dashboard/deployments/${encodeURIComponent(id)}`;
}

/** True for the address of a view, which needs nothing loaded. @param {URL} to */
export function isOurs({ origin, pathname }) {
  const ours = pathname === "/dashboard" || /^\/dashboard\/(decisions|deployments)\/[^/]+$/.test(pathname);
  return origin === location.origin && ours;
}
