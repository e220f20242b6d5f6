import type { Json } from "../call.js";
import type { Condition, Operand } from "../policies/condition/flat.js";
import type { Rule } from "../policies/document.js";
import type { Plan, PreparedRule } from "./plan.js";

type Input = { [name: string]: Json };

/** What a plan reads of an input. Everything else may be left out without a change of the answer. */
export interface Reads {
  /** Members that are read as they are. */
  members: readonly string[];
  /** Parameters whose values are read; of the others only the names. `null` = not even those. */
  params: ReadonlySet<string> | "all" | null;
  /** Names that are looked for among headers and query parameters; `null` = neither is looked at. */
  http: { headers: readonly string[]; query: readonly string[] } | null;
  /** Patterns (RE2), and where the texts stand that they are asked about. */
  matches: readonly { pattern: string; path: readonly string[] }[];
}

/** Members that rules of a kind read, beside what their conditions read. */
const ofKind: Readonly<Record<Rule["kind"], readonly string[]>> = {
  environments: ["environment"],
  images: ["images"],
  max: ["params"],
  min: ["params"],
  param_required: ["params"],
  param_type: ["params"],
  param_pattern: ["params"],
  param_enum: ["params"],
  param_forbid: ["params", "dlp"],
  additional: ["params"],
  window_allow: ["time"],
  window_deny: ["time"],
  session_bound: ["session", "session_attestation"],
  session_role: ["session", "session_attestation"],
  session_integrity: ["session", "session_attestation"],
  session_anomalies: ["session", "session_attestation"],
  session_clearance: ["session", "session_attestation"],
  dlp_deny: ["dlp"],
  dlp_redact: ["dlp"],
  dlp_tag: ["dlp"],
  rego: ["rego"],
  cost: ["params"],
};

/** Finds out once what all calls under a plan need to tell. */
export function readsOf({ rules, approvals, egress, sanitizers }: Plan): Reads {
  const conditions = [
    ...approvals.map(({ condition }) => condition),
    ...rules.flatMap((rule) => ("when" in rule && rule.when ? [rule.when.condition] : [])),
  ];
  const paths = conditions.flatMap(pathsOf);
  const members = new Set(["approval", ...rules.flatMap(({ kind }) => ofKind[kind]), ...paths.map(rootOf)]);
  if (egress.length > 0) members.add("destination");
  const changes = sanitizers.map(({ sanitize }) => sanitize);
  const names = (part: "headers" | "query"): string[] => [
    ...new Set(changes.flatMap(({ [part]: { remove, redact } }) => [...remove, ...redact])),
  ];
  return {
    members: [...members].filter((name) => name !== "params"),
    params: members.has("params") ? valuesOf(rules, paths) : null,
    http: changes.length > 0 ? { headers: names("headers"), query: names("query") } : null,
    matches: [...rules.flatMap(matchOfRule), ...conditions.flatMap(matchesOf)],
  };
}

function valuesOf(rules: readonly Rule[], paths: readonly (readonly string[])[]): Set<string> | "all" {
  const ofParams = paths.filter(([root]) => root === "params").map(([, name]) => name);
  const ofRules = rules.flatMap((rule) => {
    if (rule.kind === "cost") return Object.keys(rule.per);
    return "param" in rule ? [rule.param] : [];
  });
  return ofParams.includes(undefined) ? "all" : new Set([...ofRules, ...(ofParams as string[])]);
}

function pathsOf({ atoms }: Condition): string[][] {
  return atoms.flatMap((atom) => {
    if (atom.op === "has") return "path" in atom.left ? [[...atom.left.path, atom.field]] : [];
    const sides: Operand[] = atom.op === "is" ? [atom.left] : [atom.left, atom.right];
    return sides.flatMap((side) => ("path" in side ? [side.path] : []));
  });
}

function rootOf([root = ""]: readonly string[]): string {
  return root;
}

function matchOfRule(rule: PreparedRule): Reads["matches"][number][] {
  return rule.kind === "param_pattern" && rule.whole !== undefined
    ? [{ pattern: rule.whole, path: ["params", rule.param] }]
    : [];
}

function matchesOf({ atoms }: Condition): Reads["matches"][number][] {
  return atoms.flatMap((atom) => {
    if (atom.op !== "matches" || !("path" in atom.left) || atom.left.size || !("value" in atom.right)) return [];
    return typeof atom.right.value === "string" ? [{ pattern: atom.right.value, path: atom.left.path }] : [];
  });
}

/** What a pattern says of a text; `null` = ask the policy program itself. */
export type Match = (pattern: string, text: string) => boolean | null;

/** Of one list, so that an input does not grow much by what is known of it. */
const mostTexts = 32;

/** As much of an input as is read, as JSON, with what the patterns say of its texts where that is known. */
export function slimInput(input: Input, { members, params, http, matches }: Reads, match: Match): string {
  const slim: Input = {};
  for (const name of members) if (input[name] !== undefined) slim[name] = input[name];
  if (params !== null && input.params !== undefined) {
    slim.params = params === "all" || !isMap(input.params) ? input.params : onlyValues(input.params, params);
  }
  if (http && input.http !== undefined) slim.http = slimHttp(input.http, http);
  if (matches.length > 0) {
    const matched = matchedIn(input, matches, match);
    if (matched) slim.matched = matched;
  }
  return JSON.stringify(slim);
}

/** The names of all, and the values of these. Another value, which nobody reads, stands for the others. */
function onlyValues(params: Input, names: ReadonlySet<string>): Input {
  // A parameter may be called `__proto__`.
  const slim: Input = Object.create(null);
  for (const name of Object.keys(params)) slim[name] = names.has(name) ? (params[name] as Json) : 0;
  return slim;
}

function slimHttp(http: Json, { headers, query }: NonNullable<Reads["http"]>): Json {
  if (!isMap(http) || !isMap(http.headers) || !isMap(http.query)) return http;
  return { headers: picked(http.headers, headers), query: picked(http.query, query) };
}

function picked(map: Input, names: readonly string[]): Input {
  const found: Input = Object.create(null);
  for (const name of names) if (Object.hasOwn(map, name)) found[name] = map[name] as Json;
  return found;
}

function matchedIn(input: Input, matches: Reads["matches"], match: Match): { [name: string]: Input } | null {
  let known: { [name: string]: Input } | null = null;
  for (const { pattern, path } of matches) {
    const value = valueAt(input, path);
    for (const text of Array.isArray(value) ? value.slice(0, mostTexts) : [value]) {
      const answer = typeof text === "string" ? match(pattern, text) : null;
      if (answer === null) continue;
      known ??= Object.create(null) as { [name: string]: Input };
      known[pattern] ??= Object.create(null) as Input;
      (known[pattern] as Input)[text as string] = answer;
    }
  }
  return known;
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
