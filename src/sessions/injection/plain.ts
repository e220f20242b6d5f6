import { saysText, shortestRun } from "./base64.js";
import { codeAt, letterFor } from "./letters.js";
import { type InjectionPattern, injectionPatterns } from "./patterns.js";

/** What a character is to this search. Letters in lower case and digits stand for themselves. */
const strange = 0;
const other = 1;
const base64Digit = 2;
const lineBreak = 3;
const mark = 4;
const leastLetter = 0x30;

const kinds = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) kinds[code] = kindOf(String.fromCharCode(code));

function kindOf(character: string): number {
  if (/[a-z0-9]/i.test(character)) return character.toLowerCase().charCodeAt(0);
  if (/[+/_-]/.test(character)) return base64Digit;
  if (/[\n\r]/.test(character)) return lineBreak;
  if (/[<[#]/.test(character)) return mark;
  // Characters that go, and those that escapes begin with.
  return /[^ -~\t]|[%\\]/.test(character) ? strange : other;
}

/** A bit for each list of each pattern's needs; of each pattern all its bits, 0 where they are never all met. */
const { bits, masks } = needed();
const patterns = masks.filter((mask) => mask !== 0);
/** Bits of words by their hash, and which hashes are worth looking up. */
const words = new Map<number, number>();
const sieve = new Uint8Array(4096);
for (const [word, bit] of bits) {
  if (!/^[a-z0-9]+$/.test(word)) continue;
  const hash = [...word].reduce((h, character) => step(h, character.charCodeAt(0)), 0);
  words.set(hash, (words.get(hash) ?? 0) | bit);
  sieve[hash & 4095] = 1;
}
const bitsOfBreak = bits.get("\n") ?? 0;

function needed(): { bits: Map<string, number>; masks: readonly number[] } {
  const all = new Map<string, number>();
  let next = 1;
  const each = injectionPatterns.map(({ needs }) => {
    let mask = 0;
    for (const one of needs) {
      for (const word of one) all.set(word, (all.get(word) ?? 0) | next);
      mask |= next;
      next *= 2;
    }
    return needs.some((one) => one.length === 0) ? 0 : mask;
  });
  if (next > 2 ** 31) throw new RangeError("the patterns need more lists than there are bits");
  return { bits: all, masks: each };
}

function step(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

/** True when texts with these bits have all that some pattern needs. */
function mayMatch(found: number): boolean {
  for (const mask of patterns) if (isMet(mask, found)) return true;
  return false;
}

/**
 * Looks once at each character of a text, for what any pattern needs: nearly every call has nothing of it, and then no
 * reading of its texts has to be made, which takes some ten times as long. False when something in it could be a marker, for
 * a full search to tell. No marker is put together from two texts, so each is looked at by itself.
 */
export function isPlainText(text: string): boolean {
  let found = 0;
  let hash = 0;
  let run = 0;
  let longest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const kind = code < 128 ? (kinds[code] as number) : strange;
    if (kind >= leastLetter) {
      hash = step(hash, kind);
      run += 1;
      continue;
    }
    if (sieve[hash & 4095] === 1) found |= words.get(hash) ?? 0;
    hash = 0;
    if (kind === base64Digit) {
      run += 1;
      continue;
    }
    if (run > longest) longest = run;
    // Lines that continue each other may be one run.
    if (kind === lineBreak) found |= bitsOfBreak;
    else run = 0;
    if (kind === mark) found |= bits.get(text[at] as string) ?? 0;
    else if (kind === strange) return false;
  }
  found |= words.get(hash) ?? 0;
  if (found !== 0 && mayMatch(found)) return false;
  return Math.max(run, longest) < shortestRun || !saysText(text);
}

/**
 * The rows of the table of patterns that a text of any characters may match as it is, without its encoded parts; rows that look
 * for invisible characters are never among them. Text beyond ASCII is looked at as patterns see it, letter for letter, which is
 * a tenth of the work of making all its readings and trying each pattern on them.
 */
export function rowsFor(text: string): readonly InjectionPattern[] {
  let found = 0;
  let hash = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = codeAt(text, at, text.charCodeAt(at));
    if (code > 0xffff) at += 1;
    const letter = letterFor(code);
    // It goes, and what it parts is one word.
    if (letter === 0) continue;
    const kind = letter < 128 ? (kinds[letter] as number) : other;
    if (kind >= leastLetter) {
      hash = step(hash, kind);
      continue;
    }
    if (sieve[hash & 4095] === 1) found |= words.get(hash) ?? 0;
    hash = 0;
    if (kind === mark) found |= bits.get(String.fromCharCode(letter)) ?? 0;
    else if (letter >= 0x0a && letter <= 0x0d) found |= bitsOfBreak;
  }
  found |= words.get(hash) ?? 0;
  return found !== 0 && mayMatch(found) ? injectionPatterns.filter((_, i) => isMet(masks[i] as number, found)) : [];
}

const isMet = (mask: number, found: number): boolean => mask !== 0 && (found & mask) === mask;
