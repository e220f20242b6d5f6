import { mostPlaces, type Span } from "../span.js";

/** RFC 5321 section 4.5.3.1, in characters. */
const [longestLocal, longestDomain] = [64, 255];
const local = /[\p{L}\p{N}._%+!#$&*'~-]/u;
const leading = /[^\p{L}\p{N}_]/u;
const domain = /^(?:[\p{L}\p{N}-]{1,63}\.){1,8}(?:xn--[a-z0-9-]{2,59}|\p{L}{2,63})/iu;
const version = /^\d+\.\d+\.\d/;

/** `local@domain` with a top-level domain of letters. Starts from each `@`, so that long words cost nothing. */
export function findEmail(text: string): Span[] {
  const spans: Span[] = [];
  let free = 0;
  for (let at = text.indexOf("@"); at >= 0 && spans.length <= mostPlaces; at = text.indexOf("@", at + 1)) {
    const start = startOfLocal(text, at, free);
    const end = endOfDomain(text, at + 1);
    if (start === at || end === at + 1 || isGitRemote(text, start, end)) continue;
    spans.push({ start, end });
    free = end;
  }
  return spans;
}

function startOfLocal(text: string, at: number, free: number): number {
  let start = at;
  while (start > free && at - start < longestLocal && local.test(text.charAt(start - 1))) start -= 1;
  while (start < at && leading.test(text.charAt(start))) start += 1;
  return start;
}

/** The end of the longest domain from here on; `from` when there is none, as in `package@1.2.3-rc.one`. */
function endOfDomain(text: string, from: number): number {
  const rest = text.slice(from, from + longestDomain);
  return version.test(rest) ? from : from + (domain.exec(rest)?.[0].length ?? 0);
}

/** `git@host:path` names a repository and nobody. */
function isGitRemote(text: string, start: number, end: number): boolean {
  return text.startsWith("git@", start) && /^:[\w~/]/.test(text.slice(end, end + 2));
}
