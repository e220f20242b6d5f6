import { base64Runs } from "../runs.js";
import type { Span } from "../span.js";

/** Parts of a JWS and of a JWE in compact form (RFC 7515 section 7.1, RFC 7516 section 7.1). */
const [fewest, most] = [3, 5];

/** Parts of base64url with dots between them, the first of which is a JSON object with `alg`. */
export function findJwt(text: string): Span[] {
  const spans: Span[] = [];
  let free = 0;
  for (const run of base64Runs(text, 8)) {
    if (run.start < free || text.charAt(run.end) !== ".") continue;
    const end = endOfParts(text, run.end);
    const start = end === null ? null : startOfHeader(text, run);
    if (end === null || start === null) continue;
    spans.push({ start, end });
    free = end;
  }
  return spans;
}

/** The end of the parts behind the first; `null` when there are too few. The last one may be empty. */
function endOfParts(text: string, dot: number): number | null {
  let at = dot;
  let parts = 1;
  while (parts < most && text.charAt(at) === ".") {
    at += 1;
    while (/[A-Za-z0-9_-]/.test(text.charAt(at))) at += 1;
    parts += 1;
  }
  return parts >= fewest ? at : null;
}

/** Where the header begins: with the run, or with a `{"` in it, since a word and a hyphen may stand before it. */
function startOfHeader(text: string, { start, end }: Span): number | null {
  const run = text.slice(start, end);
  const tries = [0, run.indexOf("eyJ"), run.lastIndexOf("eyJ")];
  const at = tries.find((from) => from >= 0 && isHeader(run.slice(from)));
  return at === undefined ? null : start + at;
}

function isHeader(encoded: string): boolean {
  if (!/^e[yw]/.test(encoded)) return false;
  try {
    const header: unknown = JSON.parse(Buffer.from(encoded, "base64url").toString("utf8"));
    return typeof header === "object" && header !== null && "alg" in header;
  } catch {
    return false;
  }
}
