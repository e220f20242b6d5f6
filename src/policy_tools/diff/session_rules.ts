import type { OfSession, Rule } from "../../policies/document.js";
import { oneLine } from "./change.js";
import { type Kind, lists, type Of } from "./kind.js";

/** What `require` makes rules of. */
type Required = Extract<Rule, OfSession & { kind: `session_${string}` }>;

export function isRequired(rule: Rule): rule is Required {
  return rule.kind.startsWith("session_");
}

/** The part of `require` that the rule is, and for which calls. */
export function requireName(rule: Required): string {
  const when = rule.when ? ` (when ${oneLine(rule.when.source)})` : "";
  return `require${keyOf(rule)}${when}`;
}

function keyOf(rule: Required): string {
  switch (rule.kind) {
    case "session_bound":
      return "";
    case "session_role":
      return ".roles";
    case "session_integrity":
      return ".integrity";
    case "session_anomalies":
      return ".no_anomalies";
    case "session_clearance":
      return `.clearance.${rule.classification}`;
    default:
      return rule satisfies never;
  }
}

const nothing = () => null;

/** How the rules of `require` are compared and told. */
export const sessionKinds: { [K in Required["kind"]]: Kind<K> } = {
  session_bound: { text: (rule) => `${requireName(rule)}: a bound session`, compare: nothing },
  session_role: lists(requireName, (rule: Of<"session_role">) => rule.values),
  session_integrity: { text: (rule) => `${requireName(rule)}: clean`, compare: nothing },
  session_anomalies: { text: requireName, compare: nothing },
  session_clearance: lists(requireName, (rule: Of<"session_clearance">) => rule.values),
};
