import type { Json } from "../call.js";
import { Refusal } from "../refusal.js";

/** Where a placeholder takes its value from. */
export const sources = ["path", "query", "body"] as const;
export type Source = (typeof sources)[number];

/** What one request offers to placeholders. Each is empty when the request has no such part. */
export type Offered = Readonly<Record<Source, { readonly [name: string]: Json }>>;

/** A part that a request has not. One for all of them, and nobody can put anything into it. */
export const nothing: { readonly [name: string]: never } = Object.freeze({});

/** `{body.spec.replicas}` as source `body`, names `spec`, `replicas`; no names stand for the whole source. */
export interface Reference {
  source: Source;
  names: readonly string[];
}

/** A value of the catalogue: constant, one whole placeholder, or text with placeholders in it. */
export type Template =
  | { kind: "constant"; value: string | number | boolean }
  | { kind: "reference"; reference: Reference }
  | { kind: "text"; parts: readonly (string | Reference)[] };

/** A template that cannot mean anything; the message is for the author of the catalogue. */
export class TemplateMistake extends Error {
  override readonly name = "TemplateMistake";
}

const placeholder = /(\{[^{}]*\})/;

/** What an entry has for placeholders to name; `null` variables when its path could not be read. */
export interface Scope {
  variables: readonly string[] | null;
  hasQuery: boolean;
  hasBody: boolean;
}

/** Reads a template. Throws `TemplateMistake`. */
export function parseTemplate(text: string, scope: Scope): Template {
  const parts = text
    .split(placeholder)
    .filter((part) => part !== "")
    .map((part) => (placeholder.test(part) ? parseReference(part, scope) : literal(part)));
  const [first] = parts;
  if (first === undefined) throw new TemplateMistake("must not be empty");
  if (parts.length > 1) {
    const whole = parts.find((part) => typeof part !== "string" && part.names.length === 0);
    if (whole) throw new TemplateMistake("a placeholder for a whole source cannot be a part of a text");
    return { kind: "text", parts };
  }
  return typeof first === "string" ? { kind: "constant", value: first } : { kind: "reference", reference: first };
}

/**
 * The value for one request; `undefined` when a placeholder's field is missing. A whole placeholder keeps its JSON type.
 * Throws `malformed_parameter` when something other than text would have to become a part of a text.
 */
export function resolve(template: Template, offered: Offered): Json | undefined {
  switch (template.kind) {
    case "constant":
      return template.value;
    case "reference":
      return lookUp(template.reference, offered);
    case "text": {
      const values = template.parts.map((part) => (typeof part === "string" ? part : lookUp(part, offered)));
      if (values.includes(undefined)) return undefined;
      if (!values.every((value) => typeof value === "string")) {
        throw new Refusal("malformed_parameter", "a field that becomes a part of a text is not text");
      }
      return values.join("");
    }
  }
}

function lookUp({ source, names }: Reference, offered: Offered): Json | undefined {
  let value: Json = offered[source];
  for (const name of names) {
    if (value === null || typeof value !== "object" || Array.isArray(value) || !Object.hasOwn(value, name)) {
      return undefined;
    }
    const member: Json | undefined = value[name];
    if (member === undefined) return undefined;
    value = member;
  }
  return value;
}

function literal(part: string): string {
  if (/[{}]/.test(part)) throw new TemplateMistake("has a brace without its partner");
  return part;
}

function parseReference(text: string, scope: Scope): Reference {
  const inner = text.slice(1, -1);
  const dot = inner.indexOf(".");
  const source = sources.find((name) => name === (dot < 0 ? inner : inner.slice(0, dot)));
  if (!source) throw new TemplateMistake(`unknown placeholder ${text}: it begins with none of ${sources.join(", ")}`);
  if (source === "body" && !scope.hasBody) {
    throw new TemplateMistake(`placeholder ${text} needs a body, and the tool takes none`);
  }
  if (source === "query" && !scope.hasQuery) {
    throw new TemplateMistake(`placeholder ${text} needs a query, and a described call has none`);
  }
  if (dot < 0) return { source, names: [] };
  // A query name may hold dots of its own; only bodies have members of members.
  const rest = inner.slice(dot + 1);
  const names = source === "body" ? rest.split(".") : [rest];
  if (names.includes("")) throw new TemplateMistake(`placeholder ${text} has an empty name`);
  if (names.includes("__proto__")) throw new TemplateMistake(`placeholder ${text} has a name that is not permitted`);
  if (source === "path" && scope.variables && !scope.variables.includes(rest)) {
    throw new TemplateMistake(`placeholder ${text} names no variable of the path`);
  }
  return { source, names };
}
