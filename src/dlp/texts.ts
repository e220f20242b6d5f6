import type { Header, Json, QueryParameter } from "../call.js";
import type { Labelled } from "./findings.js";
import { labelOf } from "./span.js";

/** Texts and numbers of a value, and the keys of its objects, at any depth. What stands in a list has the list's label. */
export function textsOf(value: Json, label: string): Labelled[] {
  if (typeof value === "string") return [{ text: value, label }];
  if (typeof value === "number") return [{ text: String(value), label }];
  if (Array.isArray(value)) return value.flatMap((member) => textsOf(member, label));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [keyText(name), ...textsOf(member, labelOf(name))]);
}

/** A copy of a value with each of its texts, numbers and keys as `change` makes it. A number that stays is a number. */
export function mapTexts(value: Json, label: string, change: (labelled: Labelled) => string): Json {
  if (typeof value === "string") return change({ text: value, label });
  if (typeof value === "number") {
    const text = change({ text: String(value), label });
    return text === String(value) ? value : text;
  }
  if (Array.isArray(value)) return value.map((member) => mapTexts(member, label, change));
  if (typeof value !== "object" || value === null) return value;
  return mapMembers(value, change);
}

/** Keys that become the same are told apart by a number, so that nothing is lost. */
export function mapMembers(
  members: Readonly<Record<string, Json>>,
  change: (labelled: Labelled) => string,
): Record<string, Json> {
  const mapped = new Map<string, Json>();
  const counts = new Map<string, number>();
  for (const [name, member] of Object.entries(members)) {
    const wanted = change(keyText(name));
    let key = wanted;
    while (mapped.has(key) || (key !== name && Object.hasOwn(members, key))) {
      const count = (counts.get(wanted) ?? 1) + 1;
      counts.set(wanted, count);
      key = `${wanted}${count}`;
    }
    mapped.set(key, mapTexts(member, labelOf(name), change));
  }
  return Object.fromEntries(mapped);
}

/** A name has no name itself. */
export function keyText(name: string): Labelled {
  return { text: name, label: "" };
}

/** The value of each header; lines of the same one are joined as RFC 9110 section 5.3 and RFC 9113 section 8.2.3 say. */
export function headerValues(headers: readonly Header[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const { name, value } of headers) {
    const earlier = values.get(name);
    const separator = name === "cookie" ? "; " : ", ";
    values.set(name, earlier === undefined ? value : `${earlier}${separator}${value}`);
  }
  return values;
}

/** The value of each query parameter. Throws for a name that comes twice, since only one of the values would be looked at. */
export function queryValues(query: readonly QueryParameter[]): Map<string, string> {
  const values = new Map(query.map(({ name, value }) => [name, value]));
  if (values.size < query.length) throw new Error("a query parameter is given twice");
  return values;
}
