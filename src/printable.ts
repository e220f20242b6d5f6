/** Letters and digits of scripts that are written from right to left: they move numbers and punctuation beside them. */
const rightToLeft = String.raw`\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}`;
/** Marks that no letter carries, and more of them on one letter than a script needs: they lie over other text. */
const strayMarks = String.raw`(?<![\p{L}\p{M}])\p{M}+|(?<=\p{L}\p{M}{3})\p{M}+`;

/**
 * Finds what is not to be shown as it is, in runs: the characters of a class, those that move others, and the marks that
 * would lie over them or over what is shown instead. The common space is never among them.
 *
 * @param unseen what cannot be seen, as the inside of a character class
 */
export function misleading(unseen: string): RegExp {
  return new RegExp(`(?! )[${unseen}${rightToLeft}]\\p{M}*|${strayMarks}`, "gu");
}

const unprintable = misleading(String.raw`\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}`);

/**
 * A text that somebody else chose, on one line of a terminal: control, format (bidi, zero-width) and line-separating
 * characters, letters that are written from right to left and marks that lie over other text as `\u{...}`, and cut after
 * `most` characters.
 */
export function printable(text: string, most = 300): string {
  const short = text.length > most ? `${text.slice(0, most)}...` : text;
  return short.replace(unprintable, (found) => Array.from(found, escaped).join(""));
}

function escaped(char: string): string {
  return `\\u{${char.codePointAt(0)?.toString(16)}}`;
}
