import { base64In } from "./base64.js";
import { injectionPatterns } from "./patterns.js";

/** Shortest run of base64 digits that could say something. */
const shortestRun = 12;

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
const { bits, patterns } = needed();
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

function needed(): { bits: Map<string, number>; patterns: readonly number[] } {
  const all = new Map<string, number>();
  let next = 1;
  const masks = injectionPatterns.map(({ needs }) => {
    let mask = 0;
    for (const one of needs) {
      for (const word of one) all.set(word, (all.get(word) ?? 0) | next);
      mask |= next;
      next *= 2;
    }
    return needs.some((one) => one.length === 0) ? 0 : mask;
  });
  if (next > 2 ** 31) throw new RangeError("the patterns need more lists than there are bits");
  return { bits: all, patterns: masks.filter((mask) => mask !== 0) };
}

function step(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

/**
 * Looks once at each character of texts, for what any pattern needs: nearly every call has nothing of it, and then no
 * reading of its texts has to be made, which takes some ten times as long.
 */
export class Plainness {
  #found = 0;
  #strange = false;

  /** False when something in the texts so far could be a marker, for a full search to tell. */
  get holds(): boolean {
    return !this.#strange && !patterns.some((mask) => (this.#found & mask) === mask);
  }

  add(text: string): void {
    if (this.#strange) return;
    let found = this.#found;
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
      else if (kind === strange) {
        this.#strange = true;
        return;
      }
    }
    this.#found = found | (words.get(hash) ?? 0);
    if (Math.max(run, longest) >= shortestRun && base64In(text) !== "") this.#strange = true;
  }
}
