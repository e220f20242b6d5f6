import type { Span } from "./span.js";

/** Lengths of identifiers in hex, in characters: those of document databases, and SHA-512. */
const [shortest, longest] = [24, 128];
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/**
 * True when digits are part of a digest in hex or of a UUID (RFC 9562). Both hold long runs of digits by chance, and a
 * check digit fits one in ten of them.
 */
export function isPartOfIdentifier(text: string, span: Span): boolean {
  return isPartOfHex(text, span) || isPartOfUuid(text, span);
}

/** Only with a letter: plain digits are what the caller is looking for. */
function isPartOfHex(text: string, { start, end }: Span): boolean {
  const isWord = (at: number): boolean => /[A-Za-z0-9]/.test(text.charAt(at));
  let [from, to] = [start, end];
  while (start - from < longest && isWord(from - 1)) from -= 1;
  while (to - end < longest && isWord(to)) to += 1;
  const whole = text.slice(from, to);
  return whole.length >= shortest && /[a-f]/i.test(whole) && !/[^0-9a-f]/i.test(whole);
}

function isPartOfUuid(text: string, { start, end }: Span): boolean {
  const from = Math.max(0, start - 36);
  for (const match of text.slice(from, end + 36).matchAll(uuid)) {
    const at = from + match.index;
    if (at < end && at + match[0].length > start) return true;
  }
  return false;
}
