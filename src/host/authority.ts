import { isIPv4 } from "node:net";
import { RecentMap } from "../recent_map.js";
import { Refusal } from "../refusal.js";

/** An authority in its one canonical spelling. */
export interface Authority {
  /** Lower case, no trailing dot; IPv6 in brackets as RFC 5952 writes it. */
  host: string;
  /** 1 to 65535; the scheme's own when none was given. */
  port: number;
  hasPort: boolean;
}

const defaultPorts = { http: 80, https: 443 } as const;
const visible = /^[\x21-\x7e]+$/;
const bracketed = /^(\[[0-9a-f:.]*\])(?::(.*))?$/;
const named = /^([^:]*)(?::(.*))?$/;
const portNumber = /^[1-9][0-9]{0,4}$/;
/** Underscores are no host name characters, but container networks have them and they have one reading. */
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** A last label that makes readers take the whole for an IPv4 address (WHATWG URL, "ends in a number"). */
const numeric = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/**
 * Reads an `:authority` or a host of the catalogue. Throws `malformed_host` for what has several spellings or readings:
 * user info, percent, bytes outside ASCII, empty labels, odd ports, IP addresses in any but the canonical spelling,
 * IPv4 inside IPv6. Names that begin with `xn--` are taken as they are.
 */
export function readAuthority(text: string, scheme: "http" | "https"): Authority {
  const known = recent[scheme].get(text);
  if (known) return known;
  // A copy: a part of a larger text would keep all of it.
  const own = Buffer.from(text).toString();
  const authority = readNew(own, scheme);
  recent[scheme].set(own, authority);
  return authority;
}

/** Calls go to few hosts. What is refused is not remembered, and what is not is short. */
const mostRecent = 1_000;
const recent = {
  http: new RecentMap<string, Authority>(mostRecent),
  https: new RecentMap<string, Authority>(mostRecent),
};

function readNew(text: string, scheme: "http" | "https"): Authority {
  // Before lower case, which turns a few letters outside ASCII into ASCII ones.
  if (!visible.test(text)) throw refuse("holds bytes outside visible ASCII");
  const lower = text.toLowerCase();
  const match = bracketed.exec(lower) ?? (lower.startsWith("[") ? null : named.exec(lower));
  const [, host, port] = match ?? [];
  if (host === undefined) throw refuse("is not a host name or address");
  return {
    host: host.startsWith("[") ? readIPv6(host) : readName(host.replace(/\.$/, "")),
    port: port === undefined ? defaultPorts[scheme] : readPort(port),
    hasPort: port !== undefined,
  };
}

/** True for an IPv4 or bracketed IPv6 address, given a canonical host. */
export function isAddress(host: string): boolean {
  return host.startsWith("[") || isIPv4(host);
}

function readName(host: string): string {
  const labels = host.split(".");
  if (host.length > 253 || !labels.every((part) => label.test(part))) throw refuse("is not a host name");
  if (numeric.test(labels.at(-1) ?? "") && !(isIPv4(host) && canonicalAddress(host) === host)) {
    throw refuse("is an address in an unusual spelling");
  }
  return host;
}

function readIPv6(host: string): string {
  if (canonicalAddress(host) !== host) throw refuse("is an address in an unusual spelling");
  if (host.startsWith("[::ffff:")) throw refuse("is an IPv4 address inside an IPv6 address");
  return host;
}

function readPort(text: string): number {
  const port = portNumber.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw refuse("has a port that is not between 1 and 65535");
  return port;
}

function canonicalAddress(host: string): string | null {
  try {
    return new URL(`http://${host}/`).hostname;
  } catch {
    return null;
  }
}

function refuse(what: string): Refusal {
  return new Refusal("malformed_host", `the authority ${what}`);
}
