/** The host of a URL that can be fetched as it stands; `null` for others. */
export function fetchable(url: string): string | null {
  if (!/^https?:/i.test(url) || !URL.canParse(url)) return null;
  const { username, password, hash, hostname } = new URL(url);
  return username === "" && password === "" && hash === "" ? hostname : null;
}

export function isLoopbackName(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);
}

/** True for a URL over which a secret may travel: `https:`, or `http:` on this host. */
export function isPrivate(url: string): boolean {
  const host = fetchable(url);
  return host !== null && (/^https:/i.test(url) || isLoopbackName(host));
}
