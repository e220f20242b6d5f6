import { base64Runs } from "../runs.js";
import { mostPlaces, type Span } from "../span.js";

/** Parts of a JWS and of a JWE in compact form (RFC 7515 section 7.1, RFC 7516 section 7.1). */
const [fewest, most] = [3, 5];
/** How many headers are parsed in one text. Where more look like one, all of the text counts as a token. */
const mostParsed = 1000;
/** Base64 of `{` before a quote or white space, and of white space, with which a JSON text may begin just as well. */
const beginning = /^(?:e[yw]|I[A-P]|C[Q-Za-v]|D[Q-Za-f])/;

/** Parts of base64url with dots between them, the first of which is a JSON object with `alg`. */
export function findJwt(text: string): Span[] {
  const spans: Span[] = [];
  let free = 0;
  let parsed = 0;
  for (const run of base64Runs(text, 8)) {
    if (spans.length > mostPlaces) break;
    if (run.start < free || text.charAt(run.end) !== ".") continue;
    const end = endOfParts(text, run.end);
    if (end === null) continue;
    const headers = headersIn(text, run);
    parsed += headers.length;
    if (parsed > mostParsed) return [{ start: 0, end: text.length }];
    const header = headers.find(({ json }) => hasAlgorithm(json));
    if (!header) continue;
    spans.push({ start: header.start, end });
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

interface Header {
  start: number;
  json: string;
}

/**
 * What the end of a run says where it may be a header. The header begins with the run, or in it, since a word and a
 * separator may stand before it; base64url of JSON hardly ever has a separator in it.
 */
function headersIn(text: string, { start, end }: Span): Header[] {
  const run = text.slice(start, end);
  const separators = [run.search(/[+/_-]/), run.search(/[+/_-][^+/_-]*$/)].filter((at) => at >= 0);
  const tries = new Set([0, ...separators.map((at) => at + 1), run.indexOf("eyJ"), run.lastIndexOf("eyJ")]);
  return [...tries].flatMap((at) => {
    if (at < 0 || !beginning.test(run.slice(at, at + 2))) return [];
    const json = Buffer.from(run.slice(at), "base64url").toString("utf8").trim();
    return /^\{\s*"/.test(json) && json.endsWith("}") ? [{ start: start + at, json }] : [];
  });
}

function hasAlgorithm(json: string): boolean {
  try {
    const header: unknown = JSON.parse(json);
    return typeof header === "object" && header !== null && "alg" in header;
  } catch {
    return false;
  }
}
