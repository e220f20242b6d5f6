import { finder, spanOf } from "../pattern.js";
import { apart, type Find, isNear } from "../span.js";

const words = /secret[ _-]?(?:access[ _-]?)?key/i;

/** Ids of access keys, lasting and temporary (IAM user guide, unique identifiers). */
const findId = finder(/(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/);
/** The secret that belongs to one: 40 characters of base64, which only the word beside it tells from others. */
const findSecret = finder(/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])/, (match, label) => {
  const isHex = /^[0-9a-f]{40}$/i.test(match[0]);
  return !isHex && isNear(words, match.input, spanOf(match), label) ? spanOf(match) : null;
});

export const findAwsAccessKey: Find = (text, label) => apart([...findId(text), ...findSecret(text, label)]);
