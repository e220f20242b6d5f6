import type { QueryParameter } from "../call.js";
import { foldCase } from "../json/fold.js";
import { quote } from "../json/quote.js";
import { Refusal } from "../refusal.js";
import { nothing } from "./template.js";

const visible = /^[\x21-\x7e]*$/;
/** RFC 3986 appendix A leaves them out of a query; serializers of forms never write them. */
const unwritten = /["<>\\^`{|}]/;
const maxParameters = 1_000;
const none: readonly QueryParameter[] = Object.freeze([]);

/**
 * Reads `application/x-www-form-urlencoded` text: a query without its `?`, or a form body. Order is kept, `+` is a space.
 * Throws `malformed` (the reason that fits where the text stood) for anything that readers split or decode differently,
 * and `ambiguous_parameter` for a name that comes twice, however it is spelled, in whatever case.
 */
export function readPairs(text: string, malformed: "malformed_query" | "malformed_body"): readonly QueryParameter[] {
  if (text === "") return none;
  if (!visible.test(text) || text.includes("#")) throw new Refusal(malformed, "a parameter holds unencoded bytes");
  // Some readers split pairs at ";" as well (HTML 4.01 appendix B.2.2).
  if (text.includes(";")) throw new Refusal(malformed, "a parameter holds an unencoded semicolon");
  // No form looks like that, and a reader that does not look at the content type would take it for JSON.
  if (unwritten.test(text))
    throw new Refusal(malformed, "a parameter holds characters that have to be percent-encoded");
  const pairs = text.split("&");
  if (pairs.length > maxParameters) throw new Refusal(malformed, `there are more than ${maxParameters} parameters`);
  const seen = new Set<string>();
  return pairs.map((pair) => {
    const parameter = readPair(pair, malformed);
    const folded = foldCase(parameter.name);
    if (seen.has(folded)) {
      throw new Refusal("ambiguous_parameter", `parameter ${quote(parameter.name)} is given twice`);
    }
    seen.add(folded);
    return parameter;
  });
}

/** One spelling for all texts that `readPairs` takes for the same. It reads back to the same names and values. */
export function canonicalQuery(parameters: readonly QueryParameter[]): string {
  if (parameters.length === 0) return "";
  return parameters.map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
}

/** Names and values only; safe against inherited names, since `readPairs` refuses `__proto__`. */
export function asObject(parameters: readonly QueryParameter[]): { readonly [name: string]: string } {
  if (parameters.length === 0) return nothing;
  return Object.fromEntries(parameters.map(({ name, value }) => [name, value]));
}

function readPair(pair: string, malformed: "malformed_query" | "malformed_body"): QueryParameter {
  const equals = pair.indexOf("=");
  const raw = equals < 0 ? pair : pair.slice(0, equals);
  const name = decode(raw, malformed);
  if (name === "") throw new Refusal(malformed, "a parameter has no name");
  if (name === "__proto__") throw new Refusal(malformed, "a parameter has a name that is not permitted");
  return { raw, name, value: equals < 0 ? "" : decode(pair.slice(equals + 1), malformed) };
}

function decode(text: string, malformed: "malformed_query" | "malformed_body"): string {
  const decoded = percentDecode(text.replaceAll("+", " "));
  if (decoded === null) throw new Refusal(malformed, "a parameter is not percent-encoded UTF-8");
  if (decoded.includes("\0")) throw new Refusal(malformed, "a parameter holds a NUL");
  return decoded;
}

function percentDecode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
