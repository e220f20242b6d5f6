import { isPartOfIdentifier } from "../identifiers.js";
import { passesLuhn } from "../luhn.js";
import { finder } from "../pattern.js";
import type { Span } from "../span.js";

interface Issuer {
  prefix: RegExp;
  lengths: readonly number[];
}

const sixteenToNineteen = [16, 17, 18, 19];
/** Issuer prefixes (ISO/IEC 7812) and how many digits go with them. The first that fits counts. */
const issuers: readonly Issuer[] = [
  // Visa
  { prefix: /^4/, lengths: [13, 16, 19] },
  // Mastercard
  { prefix: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] },
  // American Express
  { prefix: /^3[47]/, lengths: [15] },
  // Discover
  { prefix: /^(?:6011|64[4-9]|65)/, lengths: sixteenToNineteen },
  // Diners Club
  { prefix: /^(?:30[0-5]|3095|3[689])/, lengths: [14, 15, ...sixteenToNineteen] },
  // JCB
  { prefix: /^35(?:2[89]|[3-8])/, lengths: sixteenToNineteen },
  // UnionPay
  { prefix: /^(?:62|81)/, lengths: sixteenToNineteen },
  // Maestro
  { prefix: /^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, lengths: [13, 14, 15, ...sixteenToNineteen] },
  // Mir
  { prefix: /^220[0-4]/, lengths: sixteenToNineteen },
  // RuPay
  { prefix: /^(?:60|82|508)/, lengths: [16] },
];
const [shortest, longest] = [13, 19];

/**
 * 13 to 19 digits, or groups of digits with the same single space or hyphen between them, with the prefix of a known
 * issuer and a check digit that holds. Digits behind a decimal point, and inside digests and UUIDs, are none.
 */
export const findPaymentCard = finder(/(?<!\d|\d\.)[2-68](?=[ -]?\d)/, ({ input, index }) => {
  const span = longestCard(input, index);
  return span && !isPartOfIdentifier(input, span) ? span : null;
});

function longestCard(text: string, start: number): Span | null {
  const ends = groupEnds(text, start);
  const last = ends.at(-1);
  if (!last || last.count < shortest) return null;
  const digits = text.slice(start, last.end).replaceAll(/[ -]/g, "");
  const lengths = issuers.find(({ prefix }) => prefix.test(digits))?.lengths ?? [];
  const card = ends.findLast(
    ({ count, end }) => lengths.includes(count) && !isDecimal(text, end) && passesLuhn(digits.slice(0, count)),
  );
  return card ? { start, end: card.end } : null;
}

/** Where a card that begins here may end, and how many digits that makes. */
function groupEnds(text: string, start: number): { count: number; end: number }[] {
  const ends = [];
  let separator = "";
  let size = 0;
  // Digits one by one, or groups of three and more before the last. Rows of small numbers are tables, not cards.
  let [areOnes, areLarge] = [true, true];
  for (let [at, count] = [start, 1]; count <= longest; at += 1, count += 1) {
    size += 1;
    if (isDigit(text, at + 1)) continue;
    areOnes &&= size === 1;
    if (areOnes || areLarge) ends.push({ count, end: at + 1 });
    areLarge &&= size >= 3;
    at += 1;
    const next = text.charAt(at);
    const goesOn = separator === "" ? next === " " || next === "-" : next === separator;
    if (!goesOn || !isDigit(text, at + 1) || !(areOnes || areLarge)) break;
    separator = next;
    size = 0;
  }
  return ends;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

const isDecimal = (text: string, at: number): boolean => text.charAt(at) === "." && isDigit(text, at + 1);
