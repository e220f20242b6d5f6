import type { Located, Problem } from "../files/located_yaml.js";
import { asksHistory } from "./condition/vocabulary.js";
import type { FileDocument, Needs, Rule } from "./document.js";
import { isBuiltIn, patternsOf } from "./rules/dlp.js";
import type { PolicySource } from "./schema.js";

/** What has to be found out about a call before these files can judge it. */
export function needsOf(files: readonly FileDocument[], sources: readonly PolicySource[]): Needs {
  const rules = files.flatMap(({ actions }) => actions.flatMap(({ rules }) => rules));
  const conditions = files.flatMap(({ actions }) =>
    actions.flatMap(({ approval }) => (approval ? [approval.condition] : [])),
  );
  const patterns = new Map(
    sources.flatMap((source) => written(source).map(({ name, pattern }) => [name, pattern] as const)),
  );
  return {
    detectors: unique(rules.flatMap(detectorOf)),
    patterns: [...patterns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, pattern]) => ({ name, pattern })),
    zones: unique(rules.flatMap((rule) => ("zone" in rule ? [rule.zone] : []))),
    rego: unique(rules.flatMap((rule) => (rule.kind === "rego" ? [rule.package] : []))),
    session: rules.some(asksOfSession) || conditions.some(asksHistory),
  };
}

/** A hit says only the detector's name, so one name is one pattern everywhere. */
export function clashingPatterns(sources: readonly Located<PolicySource>[]): Problem[] {
  const known = new Map<string, { pattern: string; file: string }>();
  return sources.flatMap((source) =>
    written(source.value).flatMap(({ name, pattern, at }) => {
      const first = known.get(name);
      if (!first) known.set(name, { pattern, file: source.file });
      if (!first || first.pattern === pattern) return [];
      return [source.problem([...at, "pattern"], `\`${name}\` has another pattern in ${first.file}`)];
    }),
  );
}

function written({ actions = [] }: PolicySource): { name: string; pattern: string; at: (string | number)[] }[] {
  return actions.flatMap(({ dlp }, index) =>
    patternsOf(dlp).map((own) => ({ ...own, at: ["actions", index, "dlp", own.name] })),
  );
}

function detectorOf(rule: Rule): string[] {
  return "detector" in rule && (rule.kind === "param_forbid" || isBuiltIn(rule.detector)) ? [rule.detector] : [];
}

/** The user's Rego may look at anything. */
function asksOfSession({ kind }: Rule): boolean {
  return kind === "rego" || kind.startsWith("session_");
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
