import type { z } from "zod";

const nouns: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
  null: "nothing",
};

/** Says in plain words what is wrong with a value, for mistakes that a schema has no words of its own for. */
export function wording(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return unexpected([noun(issue.expected)], issue.input);
    case "invalid_value":
      return unexpected(issue.values.map(String), issue.input);
    case "invalid_union": {
      const expected = issue.errors
        .flat()
        .flatMap((part) => (part.code === "invalid_type" ? [noun(part.expected)] : []));
      return expected.length > 0 ? unexpected([...new Set(expected)], issue.input) : undefined;
    }
    case "too_small":
      if (issue.origin === "string") return Number(issue.minimum) === 1 ? "must not be empty" : undefined;
      if (issue.origin === "array") return Number(issue.minimum) === 1 ? "must not be an empty list" : undefined;
      return `must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `has more than ${issue.maximum} characters`;
      if (issue.origin === "array") return `has more than ${issue.maximum} entries`;
      return `must be ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`;
    default:
      return undefined;
  }
}

function unexpected(expected: readonly string[], input: unknown): string {
  const wanted = `expected ${expected.length > 2 ? `one of ${expected.join(", ")}` : expected.join(" or ")}`;
  if (input === undefined) return `missing: ${wanted}`;
  if (input === null) return `empty: ${wanted}`;
  return `${wanted}, not ${received(expected, input)}`;
}

/** Where only certain values will do, the one that was written; else what kind of value it is. */
function received(expected: readonly string[], input: unknown): string {
  if (typeof input === "number" && (expected.includes("a whole number") || !Number.isFinite(input))) return `${input}`;
  const names = expected.every((name) => !Object.values(nouns).includes(name));
  if (typeof input !== "object" && names) return JSON.stringify(input);
  return noun(Array.isArray(input) ? "array" : typeof input);
}

function noun(type: string): string {
  return nouns[type] ?? type;
}
