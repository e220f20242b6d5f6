import type { Json } from "../value.js";
import { visible } from "./visible.js";

/** Scripts with letters that look like those of another one of them. The page marks words that mix the same ones. */
const scripts = [
  /\p{sc=Latin}/u,
  /\p{sc=Cyrillic}/u,
  /\p{sc=Greek}/u,
  /\p{sc=Armenian}/u,
  /\p{sc=Cherokee}/u,
  /\p{sc=Coptic}/u,
  /\p{sc=Lisu}/u,
];
const word = /[\p{L}\p{M}\p{N}_]+/gu;
/** Words that are named, and characters of each. */
const mostWords = 3;
const mostChars = 40;

/**
 * A sentence about words of the value, its names included, whose letters come from several alphabets, so that the word may
 * be another one than it looks like. `null` when there is none.
 */
export function mixedText(value: Json): string | null {
  const words = new Set(
    textsIn(value)
      .flatMap((text) => text.match(word) ?? [])
      .filter(isMixed),
  );
  if (words.size === 0) return null;
  const named = [...words].slice(0, mostWords).map(shortened);
  const more = words.size > named.length ? `, and ${words.size - named.length} more` : "";
  return `This call mixes alphabets in one word: ${named.join(", ")}${more}`;
}

function isMixed(text: string): boolean {
  return scripts.filter((script) => script.test(text)).length > 1;
}

function shortened(text: string): string {
  const chars = Array.from(text);
  return visible(chars.length > mostChars ? `${chars.slice(0, mostChars).join("")}...` : text);
}

function textsIn(value: Json): string[] {
  if (typeof value === "string") return [value];
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return Object.entries(value).flatMap(([name, member]) => [name, ...textsIn(member)]);
}
