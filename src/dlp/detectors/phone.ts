import { finder, spanOf } from "../pattern.js";
import { apart, type Find, isNear } from "../span.js";

const words = /(?<![a-z])(?:(?:tele)?phones?|tel|mobile|cell|fax|sms|whatsapp)(?![a-z])/i;
const dateOrAddress = /^(?:\d{4}-\d\d-\d\d|\d{1,3}(?:\.\d{1,3}){3})/;

/** E.164 with its plus sign: 9 to 15 digits, with what people write between them. */
const findInternational = finder(/(?<![\w+/])\+[1-9](?:[ .()/-]{0,2}\d){8,14}(?!\w)/);
/** The North American plan: an area and an exchange that do not begin with 0 or 1, parted from each other. */
const findNorthAmerican = finder(
  /(?<![\w.+-]|\d )(?:1[ .-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?!\w|[.-]\w| \d)/,
);
/** Any 7 to 15 digits beside a word. */
const findNamed = finder(/(?<![\w.+-])\(?\d(?:[ .()/-]{0,2}\d){6,14}(?!\w|[.-]\w)/, (match, label) => {
  const isOther = dateOrAddress.test(match[0]) || !isNear(words, match.input, spanOf(match), label);
  return isOther ? null : spanOf(match);
});

export const findPhone: Find = (text, label) =>
  apart([...findInternational(text), ...findNorthAmerican(text), ...findNamed(text, label)]);
