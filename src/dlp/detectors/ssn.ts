import { finder, spanOf } from "../pattern.js";
import { isNear } from "../span.js";

const name = "(?<![a-z])(?:ssns?|ss#|social[ _-]?security)";
const words = new RegExp(`${name}(?![a-z])`, "i");
const number = "(?!000|666|9)\\d{3}([ -]?)(?!00)\\d{2}\\1(?!0000)\\d{4}(?!\\w|[.-]\\w| \\d)";

/**
 * A US social security number: three, two and four digits with a hyphen or a space between them, or nine digits beside a
 * word that names it. Numbers that were never given out are none (20 CFR 422.103; area 000, 666 and 9xx, group 00, serial
 * 0000).
 */
export const findSsn = finder(
  new RegExp(`(?=\\d)(?:(?<![\\w.-]|\\d )|(?<=${name}[_.-]?))${number}`, "i"),
  (match, label) => {
    const isPlain = match[1] === "";
    return isPlain && !isNear(words, match.input, spanOf(match), label) ? null : spanOf(match);
  },
);
