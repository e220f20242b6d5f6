import type { Path, Problem } from "../../../files/located_yaml.js";
import type { Rule } from "../../../policies/document.js";
import { type Check, forEntries, type LintEntry } from "../check.js";

/** What only records and does not act. No warning: that is how a roll-out begins. */
export const shadow: Check = {
  level: "note",
  find: (context) => [
    ...context.files.flatMap(({ source, compiled }): Problem[] => {
      const { mode } = source.value;
      const rest = (["deny_actions", "egress"] as const).filter((key) => compiled[key]?.mode === "shadow");
      if (mode === "shadow") return [source.problem(["mode"], "this file is in shadow")];
      return rest.map((key) => source.problem([key], `${key} is in shadow`));
    }),
    ...forEntries(context, (entry, file, told) => {
      if (file.source.value.mode === "shadow") return [];
      if (entry.source.mode === "shadow") return [told(["mode"], `action ${entry.source.name} is in shadow`)];
      return inShadow(entry).map(([path, name]) => told(path, `${name} of action ${entry.source.name} is in shadow`));
    }),
  ],
};

function inShadow({ source, compiled }: LintEntry): [Path, string][] {
  const { rules, approval } = compiled;
  const places = rules.filter(({ mode }) => mode === "shadow").map(placeOf);
  const condition: [Path, string] = [
    source.approval_needed ? ["approval_needed"] : ["approval", "when"],
    "the condition",
  ];
  const all = approval?.mode === "shadow" ? [...places, condition] : places;
  return [...new Map(all.map((place) => [place[0].join("."), place])).values()];
}

function placeOf(rule: Rule): [Path, string] {
  if (rule.kind.startsWith("session_")) return [["require"], "require"];
  const inside = rule.rule === "params" && "param" in rule ? rule.param : "detector" in rule ? rule.detector : null;
  const path = inside === null ? [rule.rule] : [rule.rule, inside];
  return [path, path.join(".")];
}
