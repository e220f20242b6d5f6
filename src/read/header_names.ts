import { isMethodOverride } from "../method_override.js";

/** What the name of a header says by itself. */
export interface HeaderName {
  /** As it came. */
  key: string;
  /** Lower case; `null` where the key is no name. */
  name: string | null;
  pseudo: boolean;
  /** Envoy's mark on a body of which it kept only the beginning. */
  partial: boolean;
  /** A bit of its own for a header that may come once only, else 0. */
  single: number;
  override: boolean;
}

/** RFC 9110 `token` without `_`, which some servers take for `-`. */
const token = /^:?[A-Za-z0-9!#$%&'*+.^`|~-]+$/;
const partialBodyName = "x-envoy-auth-partial-body";

/**
 * Headers that a decision rests on. Twice the same one is two readings of the call. Credentials are not among them:
 * identification sees all of them, and two are its to refuse.
 */
const single: readonly string[] = [
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "transfer-encoding",
  "upgrade",
  "x-countersign-override",
  "x-session-attestation",
];

/**
 * Names that were read last, by what is seen of them at a glance: nearly all of a call are known from the one before.
 * Whoever sends others only makes room for those.
 */
const recent: HeaderName[] = Array<HeaderName>(256).fill(look(""));
const longest = 64;

/** Looks at each name once, not in every call. */
export function headerName(key: string): HeaderName {
  const { length } = key;
  const place =
    ((length * 31) ^
      (key.charCodeAt(0) * 7) ^
      (key.charCodeAt(length >>> 1) * 13) ^
      (key.charCodeAt(length - 1) << 1)) &
    0xff;
  const known = recent[place] as HeaderName;
  if (known.key === key) return known;
  const found = look(key);
  if (length <= longest && found.name !== null) recent[place] = found;
  return found;
}

function look(key: string): HeaderName {
  // Before lower case, which turns a few letters outside ASCII into ASCII ones.
  const name = token.test(key) ? key.toLowerCase() : null;
  const place = name === null ? -1 : single.indexOf(name);
  return {
    key,
    name,
    pseudo: key.startsWith(":"),
    partial: name === partialBodyName,
    single: place < 0 ? 0 : 1 << place,
    override: name !== null && isMethodOverride(name),
  };
}
