import { hash } from "node:crypto";

/**
 * RFC 8785 (JCS) form of a JSON value. Members that are `undefined` are left out, as `JSON.stringify` does.
 * Throws a `TypeError` or `Error` on what JSON cannot say: NaN, infinities, lone surrogates, a bare `undefined`.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      return canonicalText(value);
    case "number":
      if (!Number.isFinite(value)) throw new Error(`${value} has no JSON form`);
      return String(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
        return canonicalJson((value as { toJSON(): unknown }).toJSON());
      }
      return Array.isArray(value) ? listOf(value) : objectOf(value as Record<string, unknown>);
    default:
      throw new TypeError("value has no JSON form");
  }
}

/** Lower-case hex SHA-256. Strings are hashed as UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  // In one call it takes nine tenths of what an object takes that is made, fed and asked, and leaves nothing to collect.
  return hash("sha256", data, "hex");
}

/** What a JSON text cannot hold as it is: what is escaped (RFC 8785 section 3.2.2.2), and what may be half a character. */
const special = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/** A text as JSON. Most have nothing special, and need no more than quotes: twice as fast as `JSON.stringify` of each. */
export function canonicalText(text: string): string {
  if (!special.test(text)) return `"${text}"`;
  if (loneSurrogate.test(text)) throw new Error("a lone surrogate has no JSON form");
  return JSON.stringify(text);
}

/** True for a text of which each character is one byte of JSON. */
export function isPlainText(text: string): boolean {
  return !notPlain.test(text);
}

const notPlain = /[^ !#-[\]-~]/;

/** With the flag, a pair is one character, and a half of one is what is left over. */
const loneSurrogate = /[\ud800-\udfff]/u;

function listOf(list: readonly unknown[]): string {
  let text = "";
  for (let i = 0; i < list.length; i++) {
    const member = list[i];
    const known = member !== undefined && typeof member !== "symbol";
    text += (i === 0 ? "" : ",") + (known ? canonicalJson(member) : "null");
  }
  return `[${text}]`;
}

function objectOf(members: Readonly<Record<string, unknown>>): string {
  const names = sortedNames(members);
  let text = "";
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const member = members[name];
    if (member === undefined || typeof member === "symbol") continue;
    text += (text === "" ? "" : ",") + canonicalName(name) + canonicalJson(member);
  }
  return `{${text}}`;
}

/** Of so many names each is put in its place by hand: `sort` takes as long, and three times the memory that they need. */
const mostByHand = 32;

/** In the order of UTF-16 code units (RFC 8785 section 3.2.3), which many objects have already. */
export function sortedNames(members: object): string[] {
  const names = Object.keys(members);
  for (let i = 1; i < names.length; i++) {
    const name = names[i] as string;
    if ((names[i - 1] as string) <= name) continue;
    if (names.length > mostByHand) return names.sort();
    let place = i;
    for (; place > 0 && (names[place - 1] as string) > name; place--) names[place] = names[place - 1] as string;
    names[place] = name;
  }
  return names;
}

/** Names are few and come again and again: to remember how they are written saves a quarter of the work. */
const written = new Map<string, string>();
const most = { names: 1_000, length: 64 };

/** The name of a member as it stands before its value, with the colon. */
export function canonicalName(name: string): string {
  const known = written.get(name);
  if (known !== undefined) return known;
  const text = `${canonicalText(name)}:`;
  if (name.length > most.length) return text;
  // Agents choose names too, and could fill the memory with theirs for good.
  if (written.size >= most.names) written.clear();
  written.set(name, text);
  return text;
}
