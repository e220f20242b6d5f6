import { injectionPatterns } from "./patterns.js";
import { rowsFor } from "./plain.js";
import { invisible, readingsOf } from "./readings.js";
import { separator, shortened } from "./shortened.js";
import { viewsOf } from "./views.js";

/**
 * Most text of one call that is searched as it is, in UTF-16 units with a separator for each text: more than JSON of the
 * default limit of bodies can hold.
 */
export const mostSearched = 1_310_720;
/** Most text that is searched beside that in decoded readings, in UTF-16 units. */
export const mostDecoded = 524_288;
/** A text is not shortened to less than this, in UTF-16 units. */
export const leastSearched = 256;

/** What somebody wrote, and where: `params.note`. */
export interface Place {
  where: string;
  texts: readonly string[];
}

/** A sign of prompt injection. It never holds what was found. */
export interface Marker {
  /** The name of a row of the table of patterns. */
  marker: string;
  where: string;
}

/** How much a search did. */
export interface Work {
  /** UTF-16 units of all texts and decoded readings that were searched. */
  units: number;
}

interface Text {
  where: string;
  text: string;
}

/** Shorter texts hold a marker only when they hold odd characters. */
const shortest = 6;
const odd = /[^\0-\x7f]/;
/** Texts are searched together up to this length, in UTF-16 units: for each search by itself there is a price. */
const together = 65_536;
/** All decoded readings of a short text are less than so many times as long. */
const mostViews = 17;
/** What is decoded of each batch, whatever the others hold, in UTF-16 units; there are 41 batches at most. */
const leastDecoded = 8_192;

/**
 * The first marker in these places, or `null`. Texts are searched as they are, and in decoded readings (base64,
 * percent-encoding, JSON escapes). Of calls with more than `mostSearched` the first and last parts of long texts are
 * searched, and decoded readings up to `mostDecoded`; so the work has an upper bound, and is counted in `work`. Never throws.
 */
export function findInjection(places: readonly Place[], work: Work = { units: 0 }): Marker | null {
  const batches = [...batchesOf(searchedOf(places))];
  const rooms = roomsOf(batches.map(lengthOf));
  let spare = 0;
  for (const [i, texts] of batches.entries()) {
    const room = spare + (rooms[i] as number);
    const before = work.units;
    const found = firstIn(texts, room, work);
    if (found) return found;
    spare = Math.max(0, room - (work.units - before - lengthOf(texts)));
  }
  return null;
}

/** How much may be decoded of each batch, so that encoded text in one place cannot use up what there is for another. */
function roomsOf(lengths: readonly number[]): number[] {
  const reserved = lengths.map((length) => Math.min(mostViews * length, leastDecoded));
  const shared = mostDecoded - sumOf(reserved);
  const all = sumOf(lengths);
  return lengths.map((length, i) => (reserved[i] as number) + Math.floor((shared * length) / all));
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

function lengthOf(texts: readonly Text[]): number {
  let length = 0;
  for (const { text } of texts) length += text.length + separator.length;
  return length;
}

/** The texts that may hold a marker, within `mostSearched`. */
function searchedOf(places: readonly Place[]): readonly Text[] {
  const texts: Text[] = [];
  for (const { where, texts: written } of places) {
    for (const text of written) if (mayHold(text)) texts.push({ where, text });
  }
  if (lengthOf(texts) <= mostSearched) return texts;
  const longest = fairLength(texts);
  const short = texts.map((one) =>
    one.text.length <= longest ? one : { where: one.where, text: shortened(one.text, longest) },
  );
  return lengthOf(short) <= mostSearched ? short : firstAndLast(short);
}

const mayHold = (text: string): boolean => text.length >= shortest || odd.test(text);

/** A length to which texts can be shortened to fit: what short ones leave, long ones share. At least `leastSearched`. */
function fairLength(texts: readonly Text[]): number {
  let longest = leastSearched;
  for (let round = 0; round < 8; round += 1) {
    let left = mostSearched - separator.length * texts.length;
    let long = 0;
    for (const { text } of texts) {
      if (text.length > longest) long += 1;
      else left -= text.length;
    }
    const fair = long === 0 ? 0 : Math.floor(left / long);
    if (fair <= longest) return longest;
    longest = fair;
  }
  return longest;
}

/** Texts from both ends, as many as fit. */
function firstAndLast(texts: readonly Text[]): readonly Text[] {
  const half = mostSearched / 2;
  let first = 0;
  for (let left = half; left >= lengthAt(texts, first); first += 1) left -= lengthAt(texts, first);
  let last = texts.length;
  for (let left = half; left >= lengthAt(texts, last - 1); last -= 1) left -= lengthAt(texts, last - 1);
  return [...texts.slice(0, first), ...texts.slice(last)];
}

function lengthAt(texts: readonly Text[], at: number): number {
  const one = texts[at];
  return one ? one.text.length + separator.length : Number.POSITIVE_INFINITY;
}

function* batchesOf(texts: readonly Text[]): Generator<Text[]> {
  let batch: Text[] = [];
  let length = 0;
  for (const one of texts) {
    const more = one.text.length + separator.length;
    if (batch.length > 0 && length + more > together) {
      yield batch;
      batch = [];
      length = 0;
    }
    batch.push(one);
    length += more;
  }
  if (batch.length > 0) yield batch;
}

/** All are searched as one text, and their halves only where there is something: a call may have a great many. */
function firstIn(texts: readonly Text[], room: number, work: Work): Marker | null {
  const marker = markerIn(texts.map(({ text }) => text).join(separator), room, work);
  if (marker === null) return null;
  const [only] = texts;
  if (only && texts.every(({ where }) => where === only.where)) return { marker, where: only.where };
  const middle = Math.ceil(texts.length / 2);
  const halves = [texts.slice(0, middle), texts.slice(middle)];
  for (const half of halves) {
    const found = firstIn(half, room, work);
    if (found) return found;
  }
  return { marker, where: "call" };
}

function markerIn(text: string, room: number, work: Work): string | null {
  return patternIn(text, work) ?? firstOf(viewsOf(text, room), (view) => patternIn(view, work));
}

function firstOf<T>(views: Iterable<string>, find: (view: string) => T | null): T | null {
  for (const view of views) {
    const found = find(view);
    if (found !== null) return found;
  }
  return null;
}

function patternIn(view: string, work: Work): string | null {
  work.units += view.length;
  const rows = invisible.test(view) ? injectionPatterns : rowsFor(view);
  if (rows.length === 0) return null;
  const readings = readingsOf(view);
  for (const { name, in: reading, pattern } of rows) {
    const text = readings[reading];
    if (text === "") continue;
    pattern.lastIndex = 0;
    if (pattern.test(text)) return name;
  }
  return null;
}
