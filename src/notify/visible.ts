import { misleading } from "../printable.js";
import type { Json } from "../value.js";

/**
 * What a reader could not see, or could take for something else: control, format (bidi, zero-width), private and
 * unassigned characters, those that Unicode leaves to be ignored, every white space but the common one, and the blank of
 * Braille. Beside them what moves other characters or lies over them.
 */
const unseen = misleading(String.raw`\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800`);

/**
 * A text that somebody else chose, whole and on one line: what cannot be seen, or moves or covers other characters, is
 * shown as the `\uXXXX` of its UTF-16 units. JSON stays the same JSON by it. Markup is not escaped: that depends on where
 * the text goes.
 */
export function visible(text: string): string {
  return text.replace(unseen, escaped);
}

/** A value as JSON on several lines; the only characters in it that cannot be seen are its spaces and line feeds. */
export function visibleJson(value: Json): string {
  return JSON.stringify(value, null, 2).split("\n").map(visible).join("\n");
}

function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
