import { Refusal } from "../refusal.js";
import { type Authority, isAddress, readAuthority } from "./authority.js";

/** A host that a user wrote: exact, or every name below a suffix; on one port, or on any. */
export interface HostPattern {
  /** Canonical host, or what follows `*.`. */
  host: string;
  wildcard: boolean;
  /** `null` for any port. */
  port: number | null;
}

/** Reads `deploy.internal`, `*.internal`, `10.0.0.1:8080`, `[::1]:80`. Throws `Refusal`. */
export function parseHostPattern(text: string): HostPattern {
  const wildcard = text.startsWith("*.");
  const { host, port, hasPort } = readAuthority(wildcard ? text.slice(2) : text, "http");
  if (wildcard && isAddress(host)) throw new Refusal("malformed_host", "an address has no names below it");
  return { host, wildcard, port: hasPort ? port : null };
}

export function matchHost(pattern: HostPattern, { host, port }: Authority): boolean {
  if (pattern.port !== null && pattern.port !== port) return false;
  return pattern.wildcard ? host.endsWith(`.${pattern.host}`) : host === pattern.host;
}

/** True when one authority can match both. */
export function hostsOverlap(a: HostPattern, b: HostPattern): boolean {
  if (a.port !== null && b.port !== null && a.port !== b.port) return false;
  if (a.wildcard && b.wildcard) return within(a.host, b.host) || within(b.host, a.host);
  if (a.wildcard) return b.host.endsWith(`.${a.host}`);
  if (b.wildcard) return a.host.endsWith(`.${b.host}`);
  return a.host === b.host;
}

function within(host: string, suffix: string): boolean {
  return host === suffix || host.endsWith(`.${suffix}`);
}
