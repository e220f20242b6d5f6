import { bounded, spanOf } from "../pattern.js";
import { mostPlaces, type Span } from "../span.js";

/** First lines of PEM (RFC 7468), OpenSSH, PGP (RFC 9580 section 6.2), SSH2 and PuTTY key files. */
const beginning = bounded(/-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|PuTTY-User-Key-File-\d/i);
const ending = bounded(/-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}/i);

/** From the first line of a private key to its last, or to the end of the text where there is no last line. */
export function findPrivateKey(text: string): Span[] {
  const spans: Span[] = [];
  let at = 0;
  while (at < text.length && spans.length <= mostPlaces) {
    const start = searchFrom(beginning, text, at);
    if (start === null) break;
    at = searchFrom(ending, text, start.end)?.end ?? text.length;
    spans.push({ start: start.start, end: at });
  }
  return spans;
}

function searchFrom(pattern: RegExp, text: string, from: number): Span | null {
  pattern.lastIndex = from;
  const match = pattern.exec(text);
  return match && spanOf(match);
}
