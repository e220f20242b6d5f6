const foldable = /[^\x20-\x7e\t\n\r]/;
const invisible = /[\p{Cf}\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]/u;
/** Characters that NFKC keeps, and that people and the names of hosts (UTS 46) use as ASCII: minus, ideographic full stop. */
const alike: ReadonlyMap<string, string> = new Map([
  ["\u2212", "-"],
  ["\u3002", "."],
]);
const control = /[^\P{Cc}\t\n\r]/u;

/** The planes that have characters to fold: the first two, and the tags and variation selectors. */
const planes = [
  [0x00, 0xd7ff],
  [0xe000, 0x1ffff],
  [0xe0000, 0xe0fff],
] as const;

const meanings = readMeanings();

/**
 * The text as a person reads it: without invisible characters and combining marks, with the digits of all scripts as
 * ASCII digits, dashes, spaces and full stops as `-`, space and `.`, and with whatever Unicode's NFKC makes one ASCII character
 * (full-width, mathematical, circled) as that. Never longer than the text.
 */
export function fold(text: string): string {
  if (!foldable.test(text)) return text;
  let result = "";
  for (const character of text) result += meanings.get(character) ?? character;
  return result;
}

function readMeanings(): Map<string, string> {
  const map = new Map<string, string>();
  for (const [first, last] of planes) {
    let digits = 0;
    for (let code = first; code <= last; code += 1) {
      const character = String.fromCodePoint(code);
      // Decimal digits come in rows of ten, from 0 to 9 (Unicode standard, section 4.6).
      digits = /\p{Nd}/u.test(character) ? digits + 1 : 0;
      const meaning = digits > 0 ? String((digits - 1) % 10) : meaningOf(character);
      if (meaning !== character) map.set(character, meaning);
    }
  }
  return map;
}

function meaningOf(character: string): string {
  if (control.test(character) || invisible.test(character)) return "";
  if (/\p{Pd}/u.test(character)) return "-";
  if (/\p{Zs}/u.test(character)) return " ";
  const normal = character.normalize("NFKC");
  return alike.get(normal) ?? (normal.length === 1 && normal <= "\x7e" ? normal : character);
}
