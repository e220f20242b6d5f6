import { Refusal } from "../refusal.js";

/** A path with one reading. */
export interface CanonicalPath {
  /** RFC 3986 spelling: what may stand unencoded does, everything else is upper-case percent-encoded UTF-8. */
  text: string;
  /** What stands between the slashes, decoded once. The last one is empty when the path ends in a slash. */
  segments: readonly string[];
}

const maxBytes = 8192;
/** Paths that are canonical as they are, which nearly all are: no percent, and no segment that begins with a dot. */
const plain = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\/?$/;
/** `pchar` and `/` of RFC 3986 without `;`, which some servers cut off together with what follows. */
const unencoded = /^\/[A-Za-z0-9\-._~!$&'()*+,=:@%/]*$/;
const dangerousEncoding = /%(?:2f|5c|2e|3b)/i;
const encodedAgain = /%[0-9a-f]{2}/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const control = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Reads a raw path, without its query. Throws `malformed_path` for every path that two servers could read as two: encoded
 * slashes, backslashes, dots and semicolons, dot segments, empty segments, double or broken encodings, control
 * characters, unencoded bytes outside RFC 3986, more than 8 KiB. Upper and lower case stay apart.
 */
export function readPath(raw: string): CanonicalPath {
  if (raw.length > maxBytes) throw refuse("is too long");
  if (plain.test(raw)) return { text: raw, segments: segmentsOf(raw) };
  if (!unencoded.test(raw)) throw refuse("holds characters that must be encoded or may not occur");
  if (dangerousEncoding.test(raw)) throw refuse("holds an encoded slash, backslash, dot or semicolon");
  const encoded = raw.slice(1).split("/");
  if (encoded.slice(0, -1).includes("")) throw refuse("has an empty segment");
  const segments = encoded.map(decodeSegment);
  return { text: `/${segments.map(encodeSegment).join("/")}`, segments };
}

/** What stands between the slashes. `split` looks each text up in tables of the runtime, which takes three times as long. */
function segmentsOf(path: string): string[] {
  const segments: string[] = [];
  let start = 1;
  for (let slash = path.indexOf("/", start); slash >= 0; slash = path.indexOf("/", start)) {
    segments.push(path.slice(start, slash));
    start = slash + 1;
  }
  segments.push(path.slice(start));
  return segments;
}

function decodeSegment(encoded: string): string {
  if (encoded === "." || encoded === "..") throw refuse("has a dot segment");
  const segment = percentDecode(encoded);
  if (segment === null) throw refuse("is not percent-encoded UTF-8");
  if (encodedAgain.test(segment)) throw refuse("is encoded twice");
  if (control.test(segment)) throw refuse("holds control characters");
  return segment;
}

function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/%(?:24|26|2B|2C|3A|3D|40)/g, decodeURIComponent);
}

function percentDecode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function refuse(what: string): Refusal {
  return new Refusal("malformed_path", `the path ${what}`);
}
