// @ts-check
/** @typedef {{ kind: "pending" } | { kind: "decided" } | { kind: "one", id: string }} Route What an address shows. */

/** @param {{ pathname: string, hash: string }} at @returns {Route} */
export function routeOf({ pathname, hash }) {
  const id = /^\/approvals\/([\w-]+)$/.exec(pathname)?.[1];
  if (id !== undefined) return { kind: "one", id };
  return { kind: hash === "#decided" ? "decided" : "pending" };
}

/** True for the address of a view, which needs nothing loaded. @param {URL} to */
export function isOurs({ origin, pathname }) {
  return origin === location.origin && (pathname === "/approvals" || /^\/approvals\/apr_[\w-]+$/.test(pathname));
}
