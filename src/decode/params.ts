import type { Json } from "../call.js";
import { foldCase } from "../json/fold.js";
import { plainDecimal } from "../json/number.js";
import { quote } from "../json/quote.js";
import { Refusal } from "../refusal.js";
import { nothing, type Offered, resolve, type Source, sources, type Template } from "./template.js";
import type { ParamsRule, Tool } from "./tool.js";

type Params = Record<string, Json>;

const noNames: readonly string[] = Object.freeze([]);

/** The parameters of a call as policies see them. Throws `ambiguous_parameter` and `malformed_parameter`. */
export function readParams(tool: Tool, offered: Offered): Readonly<Params> {
  refuseTwoPlaces(offered);
  const collected = collect(tool.params, offered);
  if (tool.numbers.length === 0) return collected;
  // A copy: it may be the body itself.
  const params = { ...collected };
  for (const name of tool.numbers) {
    if (Object.hasOwn(params, name)) params[name] = readNumber(name, params[name]);
  }
  return params;
}

/** Names of those parameters that are a query parameter's value, whole. */
export function paramsFromQuery({ params }: Tool, { query }: Offered): readonly string[] {
  if (query === nothing && params.kind !== "named") return noNames;
  switch (params.kind) {
    case "everything":
      return Object.keys(query);
    case "object":
      return isFromQuery(params.template) ? Object.keys(query) : noNames;
    case "named":
      return params.templates.filter(([, template]) => isFromQuery(template)).map(([name]) => name);
  }
}

/** Members of the body that do not become parameters as they are. */
export function besideParams({ params }: Tool, { body }: Offered): Offered["body"] {
  switch (params.kind) {
    case "everything":
      return nothing;
    case "object":
      return isWhole(params.template, "body") ? nothing : body;
    case "named":
      return body;
  }
}

function isWhole(template: Template, source: Source): boolean {
  return template.kind === "reference" && template.reference.source === source && template.reference.names.length === 0;
}

function isFromQuery(template: Template): boolean {
  return template.kind === "reference" && template.reference.source === "query";
}

/** Many servers read a parameter from wherever they find it first, so the catalogue cannot say which one counts. */
function refuseTwoPlaces({ query, body }: Offered): void {
  if (query === nothing) return;
  const inQuery = Object.keys(query);
  if (inQuery.length === 0) return;
  const inBody = new Set(Object.keys(body).map(foldCase));
  for (const name of inQuery) if (inBody.has(foldCase(name))) throw twice(name);
}

function collect(rule: ParamsRule, offered: Offered): Readonly<Params> {
  switch (rule.kind) {
    case "everything":
      return merge(offered);
    case "object": {
      const value = resolve(rule.template, offered);
      if (value === null || typeof value !== "object" || Array.isArray(value)) {
        throw new Refusal("malformed_parameter", "the part of the call that holds its parameters is not an object");
      }
      return value;
    }
    case "named":
      return Object.fromEntries(
        rule.templates.flatMap(([name, template]) => {
          const value = resolve(template, offered);
          return value === undefined ? [] : [[name, value] as const];
        }),
      );
  }
}

function merge(offered: Offered): Params {
  const merged = new Map<string, Json>();
  const seen = new Set<string>();
  for (const source of sources) {
    for (const [name, value] of Object.entries(offered[source])) {
      if (seen.has(foldCase(name))) throw twice(name);
      seen.add(foldCase(name));
      merged.set(name, value);
    }
  }
  return Object.fromEntries(merged);
}

function readNumber(name: string, value: Json | undefined): number {
  const number = typeof value === "string" ? plainDecimal(value) : value;
  if (typeof number === "number") return number;
  throw new Refusal("malformed_parameter", `parameter ${quote(name)} is not a plain decimal number`);
}

function twice(name: string): Refusal {
  return new Refusal("ambiguous_parameter", `parameter ${quote(name)} is given in two places`);
}
