import { z } from "zod";

/** What scripts return: text, and numbers as text. */
export const text = z.string();
const digits = /^\d{1,16}$/;
export const number = text.regex(digits).transform(Number).refine(Number.isSafeInteger);

/** The store said something that this program does not write. The message holds nothing of it. */
export class UnreadableReply extends Error {
  override readonly name = "UnreadableReply";
}

// The same by hand, for what each call asks: a schema takes several times as long, and says no more.

/** Throws on anything else. */
export function textIn(value: unknown): string {
  if (typeof value === "string") return value;
  throw new UnreadableReply("the store was to give a text");
}

/** Throws on anything else. */
export function numberIn(value: unknown): number {
  const found = typeof value === "string" && digits.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(found)) return found;
  throw new UnreadableReply("the store was to give a number");
}

/** Throws on anything else. */
export function wordIn<Word extends string>(words: readonly Word[], value: unknown): Word {
  if (words.includes(value as Word)) return value as Word;
  throw new UnreadableReply("the store gave an unknown word");
}

/** Throws on anything but a list, of so many members where that is said. */
export function listIn(value: unknown, length?: number): readonly unknown[] {
  if (Array.isArray(value) && (length === undefined || value.length === length)) return value;
  throw new UnreadableReply("the store was to give a list");
}

/** Throws on anything but texts. */
export function textsIn(value: unknown, length?: number): readonly string[] {
  const list = listIn(value, length);
  for (const one of list) textIn(one);
  return list as readonly string[];
}

/** A list that a script wrote as JSON, which writes `false` for an empty one. Throws on anything else. */
export function writtenTextsIn(value: unknown): readonly string[] {
  return value === false ? [] : textsIn(value);
}
