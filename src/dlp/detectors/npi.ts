import { passesLuhn } from "../luhn.js";
import { finder, spanOf } from "../pattern.js";
import { isNear } from "../span.js";

const words = /(?<![a-z])(?:npis?|national[ _-]?provider|provider[ _-]?(?:id|identifier|number|no))(?![a-z])/i;

/**
 * A US national provider identifier: ten digits from 1 or 2 on whose check digit holds behind the prefix 80840 (45 CFR
 * 162.406), beside a word that names it. Without the word one time in seconds of ten would be one.
 */
export const findNpi = finder(/(?<![\w.-])[12]\d{9}(?!\w|[.-]\w)/, (match, label) => {
  const holds = passesLuhn(`80840${match[0]}`) && isNear(words, match.input, spanOf(match), label);
  return holds ? spanOf(match) : null;
});
