import type { Call, Json } from "../../call.js";
import { findInjection, type Marker, mostSearched, type Place } from "./find.js";
import { isPlainText } from "./plain.js";
import { separator } from "./shortened.js";

export type { Marker } from "./find.js";

/** A name that can be shown. Others may say what must not be repeated. */
const showable = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/**
 * The first marker of prompt injection in what an agent's call says: names and values of parameters, of the query and of
 * further members of the body, at any depth, and the path; not headers. `where` is the place and, where it can be shown, the
 * name at the top: `params.note`, `query.q`, `body.comment`, `path`; `params` for a marker in a name.
 */
export function injectionIn(call: Pick<Call, "params" | "body" | "http">): Marker | null {
  if (isPlain(call)) return null;
  const { query, path } = call.http;
  return findInjection([
    ...placesOf("params", Object.entries(call.params)),
    ...placesOf(
      "query",
      query.map(({ name, value }) => [name, value]),
    ),
    ...placesOf("body", Object.entries(call.body ?? {})),
    { where: "path", texts: [path] },
  ]);
}

/** True when it is clear at a glance that there is no marker. Of calls that are searched in part it never is. */
function isPlain({ params, body, http }: Pick<Call, "params" | "body" | "http">): boolean {
  let left = roomAfter(http.path, mostSearched);
  for (const { name, value } of http.query) left = roomAfter(value, roomAfter(name, left));
  left = roomAfterAll(params, left, 0);
  if (body !== null) left = roomAfterAll(body, left, 0);
  return left >= 0;
}

/** Of the units that may be searched, those that this text leaves; less than 0 when it is not plain, or there is no room. */
function roomAfter(text: string, left: number): number {
  const after = left - text.length - separator.length;
  return after >= 0 && isPlainText(text) ? after : -1;
}

/** Levels that are looked at here. Those of JSON that is read strictly are fewer. */
const deepest = 64;

/** The same of all that a value says. Numbers say nothing. */
function roomAfterAll(value: Json, room: number, depth: number): number {
  if (room < 0) return room;
  if (typeof value === "string") return roomAfter(value, room);
  if (typeof value !== "object" || value === null) return room;
  if (depth > deepest) return -1;
  let left = room;
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member !== "number") left = roomAfterAll(member, left, depth + 1);
    return left;
  }
  // Without a list of its names, and its members are its own: it was parsed, or made of pairs.
  for (const name in value) left = roomAfterAll(value[name] as Json, roomAfter(name, left), depth + 1);
  return left;
}

function placesOf(place: string, members: readonly (readonly [string, Json])[]): Place[] {
  const places: Place[] = [{ where: place, texts: members.map(([name]) => name) }];
  for (const [name, value] of members) {
    const texts = textsIn(value);
    if (texts.length > 0) places.push({ where: showable.test(name) ? `${place}.${name}` : place, texts });
  }
  return places;
}

const none: readonly string[] = [];

/** Texts of a value and keys of its objects, at any depth: those at the top first. Numbers say nothing. */
function textsIn(value: Json): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return none;
  const texts: string[] = [];
  const nested: object[] = [value];
  const add = (part: Json): void => {
    if (typeof part === "string") texts.push(part);
    else if (typeof part === "object" && part !== null) nested.push(part);
  };
  // Not by recursion: what is nested deeply must not end it. What is added meanwhile is visited, too.
  for (const part of nested) {
    if (Array.isArray(part)) for (const member of part) add(member);
    else {
      for (const [name, member] of Object.entries(part)) {
        texts.push(name);
        add(member);
      }
    }
  }
  return texts;
}
