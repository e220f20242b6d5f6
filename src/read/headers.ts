import type { Header } from "../call.js";
import { Refusal } from "../refusal.js";
import type { HttpAttributes, RawHeader } from "./check_request.js";

/** The headers of the request, and apart from them what Envoy says in their place. */
export interface ReadHeaders {
  headers: readonly Header[];
  /** HTTP/2 pseudo headers, which Envoy lists among the others. */
  pseudo: readonly Header[];
  /** Envoy's mark on a body of which it kept only the beginning. */
  partialBody: boolean;
}

/** RFC 9110 `token` without `_`, which some servers take for `-`. */
const token = /^:?[A-Za-z0-9!#$%&'*+.^`|~-]+$/;
const visible = /^[\t\x20-\x7e]*$/;
const partialBodyName = "x-envoy-auth-partial-body";

/**
 * Headers that a decision rests on. Twice the same one is two readings of the call. Credentials are not among them:
 * identification sees all of them, and two are its to refuse.
 */
const single: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "transfer-encoding",
  "upgrade",
  "x-countersign-override",
  "x-session-attestation",
]);

/** Reads either form in which Envoy passes headers. Throws `malformed_request` and `malformed_header`. */
export function readHeaders(http: HttpAttributes): ReadHeaders {
  const joined = Object.entries(http.headers ?? {});
  const lines = http.header_map?.headers ?? [];
  if (joined.length > 0 && lines.length > 0) {
    throw new Refusal("malformed_request", "the headers are given in two forms");
  }
  const headers: Header[] = [];
  const pseudo: Header[] = [];
  let partialBody = false;
  const sort = (header: Header): void => {
    if (header.name.startsWith(":")) pseudo.push(header);
    else if (header.name === partialBodyName) partialBody ||= header.value !== "false";
    else headers.push(header);
  };
  for (const [key, value] of joined) sort(headerOf(key, value));
  for (const line of lines) sort(lineOf(line));
  refuseRepeats(headers, lines.length === 0);
  return { headers, pseudo, partialBody };
}

/** The one value of a header that `readHeaders` let occur only once. */
export function singleValue(headers: readonly Header[], name: string): string | undefined {
  return headers.find((header) => header.name === name)?.value;
}

function lineOf(line: RawHeader): Header {
  const raw = line.raw_value ?? new Uint8Array();
  if (raw.length === 0) return headerOf(line.key ?? "", line.value ?? "");
  if (line.value) throw new Refusal("malformed_request", "a header has two values in one line");
  return headerOf(line.key ?? "", Buffer.from(raw).toString("latin1"));
}

function headerOf(key: string, value: string): Header {
  // Before lower case, which turns a few letters outside ASCII into ASCII ones.
  if (!token.test(key)) {
    throw new Refusal("malformed_header", "a header name is not made of letters, digits and hyphens");
  }
  const name = key.toLowerCase();
  if (!visible.test(value)) {
    throw new Refusal("malformed_header", `header ${name.slice(0, 64)} holds bytes outside visible ASCII`);
  }
  return { name, value };
}

function refuseRepeats(headers: readonly Header[], joined: boolean): void {
  const seen = new Set<string>();
  for (const { name, value } of headers) {
    if (!single.has(name)) continue;
    // A joined value may be several header lines.
    if (seen.has(name) || (joined && value.includes(","))) {
      throw new Refusal("malformed_header", `header ${name} is given more than once`);
    }
    seen.add(name);
  }
}
