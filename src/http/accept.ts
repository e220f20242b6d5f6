/** Media ranges are few; more than this is not looked at. */
const maxRanges = 32;

/**
 * Which of the offered media types a client prefers by its `Accept` (RFC 9110 section 12.5.1). Among equals, and where
 * it accepts none of them, the first: an answer in another form helps more than none.
 */
export function preferred<T extends string>(accept: string | undefined, offered: readonly [T, ...T[]]): T {
  const ranges = (accept ?? "*/*").split(",").slice(0, maxRanges).map(rangeOf);
  const weights = offered.map((type) => weightOf(type, ranges));
  const best = Math.max(...weights);
  return offered[best > 0 ? weights.indexOf(best) : 0] ?? offered[0];
}

interface Range {
  type: string;
  weight: number;
}

function rangeOf(text: string): Range {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
}

/** The most specific range decides. */
function weightOf(type: string, ranges: readonly Range[]): number {
  const wanted = [type, `${type.split("/", 1)[0]}/*`, "*/*"];
  const found = wanted.map((name) => ranges.find((range) => range.type === name)).find((range) => range !== undefined);
  return found?.weight ?? 0;
}
