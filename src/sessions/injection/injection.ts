import type { Call, Json } from "../../call.js";
import { findInjection, type Marker, mostSearched, type Place } from "./find.js";
import { Plainness } from "./plain.js";
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
  const plainness = new Plainness();
  let length = http.path.length + separator.length;
  plainness.add(http.path);
  const add = (text: string): void => {
    length += text.length + separator.length;
    if (length <= mostSearched) plainness.add(text);
  };
  for (const { name, value } of http.query) {
    add(name);
    add(value);
  }
  for (const members of [params, body ?? {}]) {
    for (const name of Object.keys(members)) {
      add(name);
      const value = members[name] as Json;
      if (typeof value === "string") add(value);
      else if (typeof value === "object") for (const text of textsIn(value)) add(text);
    }
  }
  return length <= mostSearched && plainness.holds;
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
