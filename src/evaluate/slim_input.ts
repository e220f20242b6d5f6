import type { Json } from "../call.js";
import { type Head, headOf, type Reads } from "./reads.js";

type Input = { [name: string]: Json };

/** What a pattern says of a text; `null` = ask the policy program itself. */
export type Match = (pattern: string, text: string) => boolean | null;

/** Of one list, so that an input does not grow much by what is known of it. */
const mostTexts = 32;

/**
 * As much of an input as is read, as JSON, with what the patterns say of its texts where that is known. Written piece by
 * piece: an object for it, made to be stringified, costs half as much again.
 */
export function slimInput(input: Input, { members, params, http, matches }: Reads, match: Match): string {
  let json = "{";
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as Head;
    const value = input[member.name];
    if (value !== undefined) json += headIn(json, member) + textOf(value);
  }
  const { params: said } = input;
  if (params !== null && said !== undefined) {
    const all = params === "all" || !isMap(said);
    json += headIn(json, heads.params) + (all ? JSON.stringify(said) : onlyValues(said, params));
  }
  if (http && input.http !== undefined) json += headIn(json, heads.http) + slimHttp(input.http, http);
  if (matches.length > 0) {
    const known = matchedIn(input, matches, match);
    if (known !== "{") json += `${headIn(json, heads.matched)}${known}}`;
  }
  return `${json}}`;
}

const heads = { params: headOf("params"), http: headOf("http"), matched: headOf("matched") };

/** How a member begins in an object that is written so far. */
function headIn(json: string, { first, next }: Head): string {
  return json.length === 1 ? first : next;
}

/** Characters that JSON has as they are. */
const plain = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

/** What `JSON.stringify` writes, for short texts, numbers and lists of one text in half the time. */
function textOf(value: Json): string {
  if (typeof value === "string") return plain.test(value) ? `"${value}"` : JSON.stringify(value);
  if (typeof value === "number") return Number.isFinite(value) ? `${value}` : "null";
  if (!Array.isArray(value) || value.length !== 1 || typeof value[0] !== "string") return JSON.stringify(value);
  return `[${textOf(value[0])}]`;
}

/** The names of all, and the values of these. Another value, which nobody reads, stands for the others. */
function onlyValues(params: Input, names: ReadonlyMap<string, Head>): string {
  let json = "{";
  for (const name of Object.keys(params)) {
    const known = names.get(name);
    if (!known) {
      json += headIn(json, unread(name));
      continue;
    }
    const value = params[name];
    if (value !== undefined) json += headIn(json, known) + textOf(value);
  }
  return `${json}}`;
}

/** The same names come with every call. */
const unreadNames = new Map<string, Head>();
const most = { names: 1_000, length: 64 };

/** A member whose value nobody reads. */
function unread(name: string): Head {
  const known = unreadNames.get(name);
  if (known) return known;
  const first = `${JSON.stringify(name)}:0`;
  const made = { name, first, next: `,${first}` };
  if (name.length > most.length) return made;
  // Agents choose names, and could fill the memory with theirs for good.
  if (unreadNames.size >= most.names) unreadNames.clear();
  unreadNames.set(name, made);
  return made;
}

function slimHttp(http: Json, { headers, query }: NonNullable<Reads["http"]>): string {
  if (!isMap(http) || !isMap(http.headers) || !isMap(http.query)) return JSON.stringify(http);
  return `{"headers":${picked(http.headers, headers)},"query":${picked(http.query, query)}}`;
}

function picked(map: Input, names: readonly Head[]): string {
  let json = "{";
  for (let i = 0; i < names.length; i++) {
    const head = names[i] as Head;
    if (Object.hasOwn(map, head.name)) json += headIn(json, head) + JSON.stringify(map[head.name]);
  }
  return `${json}}`;
}

/** An object without its end, as the next one. */
function matchedIn(input: Input, matches: Reads["matches"], match: Match): string {
  let json = "{";
  for (let i = 0; i < matches.length; i++) {
    const asked = matches[i] as Reads["matches"][number];
    const known = matchedBy(asked, input, match);
    if (known !== "{") json += `${headIn(json, asked)}${known}}`;
  }
  return json;
}

function matchedBy({ name: pattern, paths }: Reads["matches"][number], input: Input, match: Match): string {
  const only = paths.length === 1 ? valueAt(input, paths[0] as readonly string[]) : null;
  if (typeof only === "string") {
    const answer = match(pattern, only);
    return answer === null ? "{" : `{${textOf(only)}:${answer}`;
  }
  let json = "{";
  for (const text of textsAt(input, paths)) {
    const answer = typeof text === "string" ? match(pattern, text) : null;
    if (answer !== null) json += `${json.length === 1 ? "" : ","}${JSON.stringify(text)}:${answer}`;
  }
  return json;
}

/** Each once: JSON has no room for a name twice. */
function textsAt(input: Input, paths: readonly (readonly string[])[]): Set<Json | undefined> {
  return new Set(
    paths.flatMap((path) => {
      const value = valueAt(input, path);
      return Array.isArray(value) ? value.slice(0, mostTexts) : [value];
    }),
  );
}

function valueAt(input: Input, path: readonly string[]): Json | undefined {
  let value: Json | undefined = input;
  for (const name of path) {
    if (!isMap(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function isMap(value: Json | undefined): value is Input {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
