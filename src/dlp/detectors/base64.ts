import { endOfRun, finder, spanOf } from "../pattern.js";
import { base64Runs, piecesOf } from "../runs.js";
import { apart, mostPlaces, type Span } from "../span.js";

/** In characters with padding, of which there are two at most: what encodes a number of 16 digits. */
const shortest = 24;
const shortestRun = shortest - 2;
/** Longest word of an ordinary name, and how long its words are on average at least, in characters. */
const [longestWord, averageWord] = [23, 4];
/** Digests and UUIDs, and ULIDs, which have no lower case. */
const identifier = /^(?:[0-9a-f-]+|[0-9A-HJKMNP-TV-Z]{26})$/i;

const findDataUrls = finder(/(?<![a-z0-9])data:[^,\s]{0,256};base64,/i, (match) => {
  const { start, end } = spanOf(match);
  return { start, end: endOfRun(match.input, end, /[A-Za-z0-9+/_=-]/) };
});

/** Runs of base64 or base64url, and `data:` URLs of it. A run is looked at whole, and in parts between `+ / - _`. */
export function findBase64(text: string): Span[] {
  return apart([...findDataUrls(text), ...encodedRuns(text)]);
}

function encodedRuns(text: string): Span[] {
  const spans: Span[] = [];
  for (const run of base64Runs(text, shortestRun)) {
    if (spans.length > mostPlaces) break;
    spans.push(...encodedParts(text, run));
  }
  return spans;
}

function encodedParts(text: string, run: Span): Span[] {
  const parts = isEncoded(text.slice(run.start, run.end)) ? [run] : piecesOf(text, run, shortestRun);
  return parts
    .filter(({ start, end }) => isEncoded(text.slice(start, end)))
    .map(({ start, end }) => ({ start, end: endOfRun(text, end, /=/) }))
    .filter(({ start, end }) => end - start >= shortest);
}

function isEncoded(run: string): boolean {
  return isCanonical(run) && !identifier.test(run) && !isOrdinary(run);
}

/** One alphabet, a length that can be, and no bits left over (RFC 4648 section 3.5). */
function isCanonical(run: string): boolean {
  const bytes = Buffer.from(run, "base64");
  return bytes.toString("base64url") === run || bytes.toString("base64").replace(/={1,2}$/, "") === run;
}

/**
 * Names and paths are words: letters of one case, perhaps a capital before them, or digits. Encoded text changes between
 * them all the time, and always has capitals.
 */
function isOrdinary(run: string): boolean {
  const words = run.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? [];
  if (words.some((word) => word.length > longestWord)) return false;
  return !/[A-Z]/.test(run) || words.join("").length >= words.length * averageWord;
}
