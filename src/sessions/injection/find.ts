import { viewsOf } from "../../dlp/views.js";
import { percentDecode } from "../../percent.js";
import { injectionPatterns } from "./patterns.js";
import { readingsOf } from "./readings.js";

/** Most text that is searched in one call, in UTF-16 units: more than a body of the usual limit can hold. */
export const mostSearched = 2_097_152;
/** The marker of a call that has more text than that. None of it was searched. */
export const unsearched = "unsearched";

/** What somebody wrote, and where: `params.note`. */
export interface Place {
  where: string;
  texts: readonly string[];
}

/** A sign of prompt injection. It never holds what was found. */
export interface Marker {
  /** The name of a row of the table of patterns, or `unsearched`. */
  marker: string;
  where: string;
}

/** Between texts: ends a sentence and a comment, so that no marker is put together from two of them. */
const separator = ";--> ";
/** Shorter texts hold a marker only when they hold odd characters. */
const shortest = 6;

/**
 * The first marker in these places, or `null`. Texts are searched as they are and in the decoded readings that detectors of
 * data see (base64, percent-encoding, JSON escapes). The work grows as the text does. Never throws.
 */
export function findInjection(places: readonly Place[]): Marker | null {
  const length = places.reduce((sum, { texts }) => texts.reduce((more, text) => more + text.length, sum), 0);
  if (length > mostSearched) return { marker: unsearched, where: "call" };
  const searched = places.map(({ where, texts }) => ({ where, text: texts.filter(mayHold).join(separator) }));
  return firstIn(searched.filter(({ text }) => text !== ""));
}

/** All places are searched as one text, and their halves only where there is something: a call may have a great many. */
function firstIn(places: readonly { where: string; text: string }[]): Marker | null {
  const [only, ...others] = places;
  if (!only) return null;
  const marker = markerIn(places.map(({ text }) => text).join(separator));
  if (marker === null) return null;
  if (others.length === 0) return { marker, where: only.where };
  const middle = Math.ceil(places.length / 2);
  return firstIn(places.slice(0, middle)) ?? firstIn(places.slice(middle)) ?? { marker, where: "call" };
}

function mayHold(text: string): boolean {
  return text.length >= shortest || /[^\0-\x7f]/.test(text);
}

function markerIn(text: string): string | null {
  // Views are without invisible characters, and some patterns look for just those.
  const decoded = percentDecode(percentDecode(text));
  for (const view of new Set([text, decoded, ...viewsOf(text)])) {
    const readings = readingsOf(view);
    for (const { name, in: reading, pattern } of injectionPatterns) {
      pattern.lastIndex = 0;
      if (pattern.test(readings[reading])) return name;
    }
  }
  return null;
}
