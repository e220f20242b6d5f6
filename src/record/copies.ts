import type { Json } from "../call.js";

type Members = Readonly<Record<string, Json>>;

/** Texts that were found to be what must not be shown, with what is shown instead. */
export type Copies = ReadonlyMap<string, string>;

/** How many are looked for inside other texts. It bounds the work, which grows with their number and the texts'. */
const mostInside = 1_000;

/**
 * Of each text and number in these members that `masked` changes, what it becomes. Some data is only known by the name it
 * stands under, or by standing alone; where a path or sentence has it once more, only the data itself tells.
 */
export function copiesIn(members: readonly Members[], masked: (members: Members) => Members): Copies {
  const copies = new Map<string, string>();
  const under = (name: string, value: Json) => String(Object.values(masked({ [name]: value }))[0]);
  const collect = (name: string, value: Json): void => {
    if (typeof value === "string" || typeof value === "number") {
      const [text, shown] = [String(value), under(name, value)];
      if (text !== "" && shown !== text) copies.set(text, shown);
    } else if (Array.isArray(value)) {
      for (const member of value) collect(name, member);
    } else if (typeof value === "object" && value !== null) {
      for (const [below, member] of Object.entries(value)) collect(below, member);
    }
  };
  for (const part of members) collect("", part);
  return copies;
}

/** A text without copies: where it is one, and where one of the first thousand is in it, the longest first. */
export function withoutCopies(text: string, copies: Copies): string {
  if (copies.size === 0) return text;
  const shown = copies.get(text);
  if (shown !== undefined) return shown;
  const present = [...copies.keys()].slice(0, mostInside).filter((copy) => text.includes(copy));
  if (present.length === 0) return text;
  present.sort((a, b) => b.length - a.length);
  const any = new RegExp(present.map((copy) => copy.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "g");
  return text.replaceAll(any, (copy) => copies.get(copy) ?? "");
}
