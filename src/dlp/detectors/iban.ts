import { isPartOfIdentifier } from "../identifiers.js";
import { finder } from "../pattern.js";
import type { Span } from "../span.js";

/** Characters of an IBAN by country (the IBAN registry of ISO 13616). */
const lengths: Readonly<Record<number, string>> = {
  15: "NO",
  16: "BE",
  18: "DK FI FK FO GL NL SD",
  19: "MK SI",
  20: "AT BA EE KZ LT LU MN XK",
  21: "CH CR HN HR LI LV",
  22: "BG BH DE GB GE IE ME RS VA",
  23: "AE GI IL IQ OM SO TL",
  24: "AD CZ ES MD PK RO SA SE SK TN VG",
  25: "LY PT ST",
  26: "IS TR",
  27: "BI DJ FR GR IT MC MR SM",
  28: "AL AZ BY CY DO GT HU LB NI PL SV",
  29: "BR EG PS QA UA",
  30: "JO KW MU YE",
  31: "MT SC",
  32: "LC",
  33: "RU",
};
const lengthOf: ReadonlyMap<string, number> = new Map(
  Object.entries(lengths).flatMap(([length, countries]) => countries.split(" ").map((name) => [name, Number(length)])),
);

/** Country, check digits and the country's number of characters, in groups as may be, whose remainder by 97 is 1. */
export const findIban = finder(/(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ -]?[A-Za-z0-9]/, ({ input, index }) => {
  const length = lengthOf.get(input.slice(index, index + 2).toUpperCase());
  const span = length === undefined ? null : spanOfCharacters(input, index, length);
  if (!span || isPartOfIdentifier(input, span)) return null;
  return remainder(input.slice(span.start, span.end).replaceAll(/[ -]/g, "").toUpperCase()) === 1 ? span : null;
});

/** So many letters and digits from here on, with at most one space or hyphen between any two, and none right behind. */
function spanOfCharacters(text: string, start: number, length: number): Span | null {
  let at = start;
  for (let count = 0; count < length; count += 1) {
    if (count > 0 && /[ -]/.test(text.charAt(at))) at += 1;
    if (!/[A-Za-z0-9]/.test(text.charAt(at))) return null;
    at += 1;
  }
  return /[A-Za-z0-9]/.test(text.charAt(at)) ? null : { start, end: at };
}

/** ISO 7064 MOD 97-10 of an IBAN: the first four characters go last, letters count 10 to 35. */
function remainder(iban: string): number {
  let rest = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
