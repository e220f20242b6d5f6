import { base64In } from "./base64.js";
import { unescaped } from "./escapes.js";
import { folded } from "./letters.js";
import { shortened } from "./shortened.js";

/** How often base64 is decoded inside base64. */
const depth = 2;

/**
 * Decoded readings of a text, one after the other, at most `room` UTF-16 units of them: with its escapes undone, and what
 * base64 in it says, and both again for that. The one that is too long for the room is shortened, and those behind it go.
 */
export function* viewsOf(text: string, room: number): Generator<string> {
  const seen = new Set([text]);
  let left = room;
  const fitting = (view: string): string => {
    if (view === "" || seen.has(view)) return "";
    seen.add(view);
    const part = shortened(view, left);
    left -= part.length;
    return part;
  };
  let layer = [text];
  for (let level = 0; level <= depth; level += 1) {
    const encoded = new Set<string>();
    for (const written of layer.flatMap((one) => [...new Set([one, folded(one)])])) {
      encoded.add(written);
      const view = unescaped(written);
      const part = view === written ? "" : fitting(view);
      if (part === "") continue;
      yield part;
      encoded.add(folded(part));
    }
    layer = [];
    if (level === depth) return;
    for (const one of encoded) {
      const part = fitting(base64In(one));
      if (part === "") continue;
      yield part;
      layer.push(part);
    }
  }
}
