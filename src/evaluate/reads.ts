import type { Condition, Operand } from "../policies/condition/flat.js";
import type { Rule } from "../policies/document.js";
import type { Plan, PreparedRule } from "./plan.js";

/**
 * A name, and how a member of this name begins in JSON: the first of an object, and a further one. Each text that is put
 * together takes its own bytes, so that a comma by itself costs as much as a name.
 */
export interface Head {
  name: string;
  first: string;
  next: string;
}

/** What a plan reads of an input. Everything else may be left out without a change of the answer. */
export interface Reads {
  /** Members that are read as they are. */
  members: readonly Head[];
  /** Parameters whose values are read; of the others only the names. `null` = not even those. */
  params: ReadonlyMap<string, Head> | "all" | null;
  /** Names that are looked for among headers and query parameters; `null` = neither is looked at. */
  http: { headers: readonly Head[]; query: readonly Head[] } | null;
  /** Patterns (RE2), each once, and where the texts stand that they are asked about. */
  matches: readonly (Head & { paths: readonly (readonly string[])[] })[];
}

interface AskedMatch {
  pattern: string;
  path: readonly string[];
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
  const names = (part: "headers" | "query"): Head[] =>
    [...new Set(changes.flatMap(({ [part]: { remove, redact } }) => [...remove, ...redact]))].map(headOf);
  return {
    members: [...members].filter((name) => name !== "params").map(headOf),
    params: members.has("params") ? valuesOf(rules, paths) : null,
    http: changes.length > 0 ? { headers: names("headers"), query: names("query") } : null,
    matches: byPattern([...rules.flatMap(matchOfRule), ...conditions.flatMap(matchesOf)]),
  };
}

export function headOf(name: string): Head {
  const first = `${JSON.stringify(name)}:`;
  return { name, first, next: `,${first}` };
}

function byPattern(asked: readonly AskedMatch[]): Reads["matches"] {
  const patterns = new Map<string, (readonly string[])[]>();
  for (const { pattern, path } of asked) patterns.set(pattern, [...(patterns.get(pattern) ?? []), path]);
  return [...patterns].map(([pattern, paths]) => ({ ...headOf(pattern), paths }));
}

function valuesOf(rules: readonly Rule[], paths: readonly (readonly string[])[]): Map<string, Head> | "all" {
  const ofParams = paths.filter(([root]) => root === "params").map(([, name]) => name);
  const ofRules = rules.flatMap((rule) => {
    if (rule.kind === "cost") return Object.keys(rule.per);
    return "param" in rule ? [rule.param] : [];
  });
  if (ofParams.includes(undefined)) return "all";
  return new Map([...ofRules, ...(ofParams as string[])].map((name) => [name, headOf(name)]));
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

function matchOfRule(rule: PreparedRule): AskedMatch[] {
  return rule.kind === "param_pattern" && rule.whole !== undefined
    ? [{ pattern: rule.whole, path: ["params", rule.param] }]
    : [];
}

function matchesOf({ atoms }: Condition): AskedMatch[] {
  return atoms.flatMap((atom) => {
    if (atom.op !== "matches" || !("path" in atom.left) || atom.left.size || !("value" in atom.right)) return [];
    return typeof atom.right.value === "string" ? [{ pattern: atom.right.value, path: atom.left.path }] : [];
  });
}
