import { isLoopbackName } from "../config/fetchable.js";

/** Headers by which a browser says where a request comes from; pages cannot set them. */
export interface Provenance {
  /** `Origin` (RFC 6454 section 7). */
  origin: string | undefined;
  host: string | undefined;
  /** `Sec-Fetch-Site`; browsers that are older than that do not send it. */
  fetchSite: string | undefined;
}

/**
 * What tells whether a request comes from a page of ours: its origin is that of `public_url`. Where that is plain http, as on
 * one's own machine, other names of the same machine count as well. The request's own `Host` alone would not do: a proxy may
 * have written it.
 */
export function ownOrigin(publicUrl: string): (from: Provenance) => boolean {
  const own = new URL(publicUrl);
  return ({ origin, host, fetchSite }) => {
    if (origin === undefined || (fetchSite !== undefined && fetchSite !== "same-origin")) return false;
    return origin === own.origin || (own.protocol === "http:" && origin === loopbackOrigin(host));
  };
}

function loopbackOrigin(host: string | undefined): string | null {
  const url = `http://${host ?? ""}`;
  if (host === undefined || !URL.canParse(url)) return null;
  const { hostname, origin } = new URL(url);
  return isLoopbackName(hostname) ? origin : null;
}
