import type { Catalogue } from "../../decode/catalogue.js";
import type { Engine } from "../../evaluate/engine.js";
import { formatProblem, type Problem, parseLocated } from "../../files/located_yaml.js";
import type { PolicySet } from "../../policies/policy_set.js";
import { isRego, type PolicyText } from "../../policies/policy_text.js";
import { policySchema } from "../../policies/schema.js";
import type { Person } from "../../registry/registry.js";
import { type Check, lintFiles } from "./check.js";
import { type CheckName, checks } from "./table.js";

/** Something that a check found. */
export interface Finding extends Problem {
  check: CheckName;
  level: Check["level"];
}

/** What policies are checked against; `null` for what is not known. */
export interface LintOptions {
  catalogue: Catalogue | null;
  people: readonly Person[] | null;
  /** Ids of registered agents. */
  agents: readonly string[] | null;
  engine: Engine;
}

/** Whatever the checks find in policies that are without mistakes, by file and line. */
export function lintPolicies(texts: readonly PolicyText[], set: PolicySet, options: LintOptions): Finding[] {
  const sources = texts.filter((text) => !isRego(text)).map(({ file, text }) => parseLocated(file, text, policySchema));
  const matchesWhole = (pattern: string, text: string): boolean => {
    const [found] = options.engine.match([{ pattern: `\\A(?:${pattern})\\z` }], [text]);
    return (found?.[0]?.length ?? 0) > 0;
  };
  const context = { ...options, files: lintFiles(sources, set), set, matchesWhole };
  const found = Object.entries(checks as Record<CheckName, Check>).flatMap(([name, { level, find }]) =>
    find(context).map((problem): Finding => ({ ...problem, check: name as CheckName, level })),
  );
  return onceEach(found).sort((a, b) =>
    a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1,
  );
}

/** What a file says for all of its actions is looked at with each of them. */
function onceEach(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [findingText(finding), finding])).values()];
}

/** `file:line:column: path: message (check)`. */
export function findingText(finding: Finding): string {
  const [place, rest] = [`${finding.file}:${finding.line}:${finding.column}: `, formatProblem(finding)];
  return `${place}${finding.level}: ${rest.slice(place.length)} (${finding.check})`;
}
