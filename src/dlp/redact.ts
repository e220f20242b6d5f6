import type { FindingsByName, Inspector, Labelled } from "./findings.js";
import { mostPlaces, type Span } from "./span.js";

interface Place extends Span {
  name: string;
}

/** What a finding is replaced by. */
const placeholder = (name: string): string => `[${name}]`;

/** True for the names that count; the others are left alone. */
type Counts = (name: string) => boolean;

/**
 * A text with everything that was found in it replaced by placeholders. The text as a whole is replaced when something is
 * still found afterwards, as in another reading of it, and when there are more than 100 places.
 */
export function redact(labelled: Labelled, all: FindingsByName, inspector: Inspector, counts: Counts): string {
  const found = new Map([...all].filter(([name]) => counts(name)));
  if (found.size === 0) return labelled.text;
  const places = placesOf(labelled.text, found);
  const text = places && replaced(labelled.text, places);
  const left = text === null ? found : inspector.inspect([{ ...labelled, text }])[0];
  // What a placeholder has parted from its neighbour may be found only now, and by another detector.
  if (text !== null && left && ![...left.keys()].some(counts)) return text;
  const names = new Set([...found.keys(), ...(left?.keys() ?? [])].filter(counts));
  return [...names].map(placeholder).join("");
}

/** Every occurrence of what was found, by place; `null` when there are too many. */
function placesOf(text: string, found: FindingsByName): Place[] | null {
  const places: Place[] = [];
  for (const [name, { inPlain, isWhole }] of found) {
    if (isWhole) return null;
    for (const string of inPlain) {
      for (let start = text.indexOf(string); start >= 0; start = text.indexOf(string, start + string.length)) {
        places.push({ name, start, end: start + string.length });
        if (places.length > mostPlaces) return null;
      }
    }
  }
  return places.sort((a, b) => a.start - b.start || b.end - a.end);
}

/** Places that overlap become one, named after the first. */
function replaced(text: string, places: readonly Place[]): string {
  let result = "";
  let done = 0;
  for (const { name, start, end } of places) {
    if (start >= done) result += text.slice(done, start) + placeholder(name);
    done = Math.max(done, end);
  }
  return result + text.slice(done);
}
