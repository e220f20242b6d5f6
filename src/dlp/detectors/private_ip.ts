import { BlockList, isIPv4, isIPv6 } from "node:net";
import { bounded, endOfRun, finder, spanOf } from "../pattern.js";
import { apart, type Find, mostPlaces, type Span } from "../span.js";

const internal = new BlockList();
for (const [address, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  // Loopback, and the unspecified address, which reaches the same machine
  ["127.0.0.0", 8],
  ["0.0.0.0", 32],
  // Link-local (RFC 3927), where clouds serve credentials
  ["169.254.0.0", 16],
  // Shared by carriers (RFC 6598)
  ["100.64.0.0", 10],
] as const) {
  internal.addSubnet(address, bits, "ipv4");
  // Translated by a gateway (RFC 6052); `BlockList` itself sees through IPv4-mapped addresses.
  internal.addSubnet(`64:ff9b::${address}`, 96 + bits, "ipv6");
  // IPv4-compatible (RFC 4291 section 2.5.5.1)
  internal.addSubnet(`::${address}`, 96 + bits, "ipv6");
  // 6to4 (RFC 3056)
  internal.addSubnet(sixToFour(address), 16 + bits, "ipv6");
}
for (const [address, bits] of [
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const) {
  internal.addSubnet(address, bits, "ipv6");
}

function sixToFour(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return `2002:${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}::`;
}

/** Longest host (RFC 1035 section 2.3.4) with a port behind it, in characters. */
const longestHost = 262;
/** What programs take for an IPv4 address: one to four numbers, decimal, octal or hex, and perhaps a port. */
const loose = /^(?:0x[0-9a-f]{0,16}|\d{1,20})(?:\.(?:0x[0-9a-f]{0,16}|\d{1,20})){0,3}(?::\d{1,5})?$/i;
const beforeHost = bounded(/(?:(?:https?|wss?|ftp):|\/\/|\\\\)[/\\]{0,4}/i);
const withinAuthority = /[^\s/\\?#"'<>`]/;

const findQuad = finder(/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)/, (match) =>
  isInternalHost(match[0]) ? spanOf(match) : null,
);
const findIpv6 = finder(/(?<![\w:.])(?=[0-9a-f]{0,4}:)[0-9a-f:]{2,39}(?:\.\d{1,3}){0,3}(?!\w)/i, (match) => {
  const address = match[0].replace(/(?<!:):$/, "");
  return address !== "::" && isInternal(address) ? spanOf(match) : null;
});
const findLocalhost = finder(/(?<![\w-])localhost(?![\w-])/i);

/**
 * Addresses that the internet does not reach, and `localhost`. As the host of a URL, and as the whole text, in every
 * spelling that programs take for an IPv4 address.
 */
export const findPrivateIp: Find = (text) => {
  if (isInternalWhole(text.trim())) return [{ start: 0, end: text.length }];
  return apart([...findQuad(text), ...findIpv6(text), ...findLocalhost(text), ...findHosts(text)]);
};

/** What stands before a host ends the one before it, so that no character is read for two hosts. */
function findHosts(text: string): Span[] {
  const beginnings = [...text.matchAll(beforeHost)].map(spanOf);
  const spans: Span[] = [];
  for (const [i, { end: from }] of beginnings.entries()) {
    if (spans.length > mostPlaces) break;
    const authority = text.slice(from, beginnings[i + 1]?.start);
    const end = from + endOfRun(authority, 0, withinAuthority);
    const start = from + authority.slice(0, end - from).lastIndexOf("@") + 1;
    const isHost = end > start && end - start <= longestHost;
    if (isHost && isInternalHost(text.slice(start, end))) spans.push({ start, end });
  }
  return spans;
}

/** A lone number is an address only when it is no small number: `8080` is a port or a count. */
function isInternalWhole(text: string): boolean {
  if (text.length > longestHost || !loose.test(text)) return text === "::";
  const address = canonicalHost(text);
  return isInternal(address) && (text.includes(".") || !address.startsWith("0."));
}

function isInternalHost(host: string): boolean {
  const canonical = canonicalHost(host);
  return canonical === "::" || isInternal(canonical);
}

/** As browsers read it (the URL standard, host parsing), without the brackets of IPv6; empty when it is no host. */
function canonicalHost(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, "") : "";
}

function isInternal(address: string): boolean {
  if (isIPv4(address)) return internal.check(address, "ipv4");
  return isIPv6(address) && internal.check(address, "ipv6");
}
