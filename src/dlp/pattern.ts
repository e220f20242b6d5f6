import { type Find, mostPlaces, type Span } from "./span.js";

type Accept = (match: RegExpExecArray, label: string) => Span | null;

/**
 * A detector that tries a pattern at every place and keeps what `accept` makes of a match; after a refusal the search
 * goes on one character later. The pattern is `bounded`.
 */
export function finder(pattern: RegExp, accept: Accept = spanOf): Find {
  const regex = bounded(pattern);
  return (text, label = "") => {
    const spans: Span[] = [];
    regex.lastIndex = 0;
    for (let match = regex.exec(text); match && spans.length <= mostPlaces; match = regex.exec(text)) {
      const span = accept(match, label);
      if (span) spans.push(span);
      regex.lastIndex = span ? span.end : match.index + 1;
    }
    return spans;
  };
}

/**
 * The pattern, to search with from `lastIndex` on. Throws unless every repetition in it has an upper bound: then a try
 * looks at no more than a fixed number of characters, and the work grows as the text does and no faster.
 */
export function bounded(pattern: RegExp): RegExp {
  const skeleton = pattern.source.replaceAll(/\\./g, "").replaceAll(/\[[^\]]*\]/g, "");
  if (/[*+]|\{\d+,\}/.test(skeleton)) throw new Error(`${pattern} may repeat without end`);
  return new RegExp(pattern, `${pattern.flags}g`);
}

/** The whole of a match. */
export function spanOf(match: RegExpExecArray): Span {
  return { start: match.index, end: match.index + match[0].length };
}

/** The end of the run of characters of this kind that begins at `at`. */
export function endOfRun(text: string, at: number, kind: RegExp): number {
  let end = at;
  while (end < text.length && kind.test(text.charAt(end))) end += 1;
  return end;
}
