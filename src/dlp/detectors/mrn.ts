import { finder } from "../pattern.js";
import type { Find, Span } from "../span.js";

const name = "(?:mrns?|medical[ _-]?records?|patients?[ _-]?(?:id|identifier|number|num|no))";
const id = "(?=[A-Za-z-]{0,11}\\d)([A-Za-z0-9](?:-?[A-Za-z0-9]){5,11})(?![A-Za-z0-9]|-[A-Za-z0-9])";
const between = "[ _-]?(?:number|num|no|id)?s?[^A-Za-z0-9]{0,6}(?:is |of )?[^A-Za-z0-9]{0,2}";

const words = new RegExp(`(?<![a-z])${name}(?![a-z])`, "i");
const whole = new RegExp(`^[^A-Za-z0-9]{0,4}${id}`);

const findNamed = finder(new RegExp(`(?<![A-Za-z])${name}${between}${id}`, "i"), idOf);

/** A medical record number: 6 to 12 letters and digits, one a digit at least, behind a word that names it. */
export const findMrn: Find = (text, label = "") => {
  const match = words.test(label) ? whole.exec(text) : null;
  return match ? [idOf(match)] : findNamed(text);
};

function idOf(match: RegExpExecArray): Span {
  const end = match.index + match[0].length;
  return { start: end - (match[1]?.length ?? 0), end };
}
