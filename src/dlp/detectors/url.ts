import { bounded, endOfRun, spanOf } from "../pattern.js";
import { mostPlaces, type Span } from "../span.js";

/**
 * `scheme://`, the schemes that browsers read without slashes too, `//host` with more behind it or as the whole text, and
 * `www.`. More slashes than two are two to a browser.
 */
const beginnings = bounded(
  new RegExp(
    [
      "(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,31}://",
      "(?<![a-z0-9+.-])(?:https?|wss?|ftp):[^\\s\"'<>]",
      "(?:(?<![\\w:/.-])/{2,7}|/{8})(?:[\\w-]{1,63}\\.[\\w-]|[\\w-]{1,63}[:/]|[\\w-]{1,63}$|\\[)",
      "(?<![\\w.-])www\\d?\\.[a-z0-9]",
    ].join("|"),
    "i",
  ),
);
const within = /[^\s"'<>`]/;

/** URLs up to the next white space or quote. */
export function findUrl(text: string): Span[] {
  const spans: Span[] = [];
  beginnings.lastIndex = 0;
  for (let match = beginnings.exec(text); match && spans.length <= mostPlaces; match = beginnings.exec(text)) {
    const { start, end: from } = spanOf(match);
    const end = endOfRun(text, from, within);
    spans.push({ start, end });
    beginnings.lastIndex = end;
  }
  return spans;
}
