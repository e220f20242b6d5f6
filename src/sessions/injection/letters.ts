import { fold } from "../../dlp/fold.js";

/**
 * What each character becomes, worked out once: reading a text is then one look into a table for each UTF-16 unit, whatever
 * the script. The table has the first two planes. Behind them are tags and variation selectors, which go, and ideographs.
 */
const tabulated = 0x20000;
/** In `foldings`: stays as it is. In `letters` such a character is `other`. */
const itself = 0xffff;
/** A character that no pattern looks at. No letter, no white space. */
const other = 0x7f;
/** What U+2581 becomes, which is between the words of some models' marks. No letter either. */
export const lowBar = "\x80";
/** What U+2028 and U+2029 become: a line break, and no part of CR LF. Control characters of texts are gone. */
const otherBreak = "\v";

/** Letters of other scripts that look like one of ours (Unicode confusables, the part that people use), before lower case. */
const alike: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: "аАαΑɑ",
    b: "ВΒЬ",
    c: "сСϲϹ",
    d: "ԁ",
    e: "еЕΕєЄ",
    f: "ƒ",
    g: "ɡԌ",
    h: "НһΗҺ",
    i: "іІιΙıΊ",
    j: "јЈ",
    k: "кКκΚ",
    l: "ӏӀⅼ",
    m: "мМΜ",
    n: "ոΝ",
    o: "оОοΟσօ",
    p: "рРρΡ",
    q: "ԛ",
    r: "гᴦ",
    s: "ѕЅꜱ",
    t: "тТτΤ",
    u: "υսᴜ",
    v: "νѵ",
    w: "ԝѡω",
    x: "хХχΧ",
    y: "уУүΥγ",
    z: "ΖᴢԐ",
    [lowBar]: "\u2581",
    [otherBreak]: "\u2028\u2029",
  }).flatMap(([letter, others]) => [...others].map((one) => [one, letter] as const)),
);

const foldings = new Uint16Array(tabulated);
/** 0 for a character that goes. */
const letters = new Uint8Array(tabulated);
fill();

function fill(): void {
  for (let code = 0; code < tabulated; code += 1) {
    const character = String.fromCodePoint(code);
    const folded = fold(character);
    foldings[code] = folded === character ? itself : folded.charCodeAt(0) || 0;
    letters[code] = letterOf(code, character);
  }
}

function letterOf(code: number, character: string): number {
  const isHangul = code >= 0xac00 && code <= 0xd7a3;
  if (isHangul) return other;
  const base = fold(character.normalize("NFD"));
  const letter = (alike.get(base) ?? base).toLowerCase();
  if (letter === "") return 0;
  return letter.length === 1 && (letter < "\x7f" || letter === lowBar) ? letter.charCodeAt(0) : other;
}

const odd = /[^\x20-\x7e\t\n\r]/;

/** The same as `fold`, in a time that does not depend on the script. */
export function folded(text: string): string {
  if (!odd.test(text)) return text;
  const units = new Uint16Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const code = codeAt(text, at, unit);
    const folding = code < tabulated ? (foldings[code] as number) : isIgnored(code) ? 0 : itself;
    if (folding === itself) units[length++] = unit;
    else if (folding !== 0) units[length++] = folding;
    if (code <= 0xffff) continue;
    at += 1;
    if (folding === itself) units[length++] = text.charCodeAt(at);
  }
  return Buffer.from(units.buffer, 0, length * 2).toString("utf16le");
}

/**
 * Writes what the text looks like: lower-case ASCII, U+000B for other line breaks, U+007F for whatever is not ASCII, and
 * `lowBar`. Returns how many bytes that is, at most one for a unit.
 */
export function writeLetters(text: string, bytes: Uint8Array): number {
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = codeAt(text, at, text.charCodeAt(at));
    if (code > 0xffff) at += 1;
    const letter = letterFor(code);
    if (letter !== 0) bytes[length++] = letter;
  }
  return length;
}

/** What `writeLetters` writes for a character; 0 for one that goes. */
export const letterFor = (code: number): number =>
  code < tabulated ? (letters[code] as number) : isIgnored(code) ? 0 : other;

const isIgnored = (code: number): boolean => code >= 0xe0000 && code <= 0xe0fff;

/** The code point at a unit; a surrogate without its other half is one by itself. */
export const codeAt = (text: string, at: number, unit: number): number =>
  unit < 0xd800 || unit > 0xdbff ? unit : (text.codePointAt(at) as number);
