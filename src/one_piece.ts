/**
 * The same text, held as one run of characters. What was put together with `+` or cut out of a longer text is held as a tree
 * of parts, or keeps all of the longer one, and for a text that is kept for long that is many times its own size. Only for
 * well-formed text: half of a surrogate pair would be replaced.
 */
export function inOnePiece(text: string): string {
  return Buffer.from(text).toString();
}
