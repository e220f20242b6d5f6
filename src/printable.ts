/**
 * A text that somebody else chose, on one line of a terminal: control, format (bidi, zero-width) and line-separating
 * characters as `\u{...}`, and cut after `most` characters.
 */
export function printable(text: string, most = 300): string {
  const short = text.length > most ? `${text.slice(0, most)}...` : text;
  return short.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`);
}
