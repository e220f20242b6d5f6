import type { Path, Problem } from "../../../files/located_yaml.js";
import type { Rule } from "../../../policies/document.js";
import type { PolicySource } from "../../../policies/schema.js";
import { askingPlace, type Check, forEntries, type LintEntry } from "../check.js";

/** What only records and does not act. No warning: that is how a roll-out begins. */
export const shadow: Check = {
  level: "note",
  find: (context) => [
    ...context.files.flatMap(({ source, compiled }): Problem[] => {
      const { mode } = source.value;
      const rest = (["deny_actions", "egress"] as const).filter((key) => compiled[key]?.mode === "shadow");
      if (mode === "shadow") return [source.problem(["mode"], "this file is in shadow")];
      const asking = conditionOf(source.value)?.mode === "shadow" ? [askingPlace(source.value, []) ?? []] : [];
      return [
        ...rest.map((key) => source.problem([key], `${key} is in shadow`)),
        ...asking.map((place) => source.problem(place, "the condition is in shadow")),
      ];
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
  const own = askingPlace(source, []);
  const all: [Path, string][] = own && approval?.mode === "shadow" ? [...places, [own, "the condition"]] : places;
  return [...new Map(all.map((place) => [place[0].join("."), place])).values()];
}

function conditionOf({ approval_needed: needed, approval }: Pick<PolicySource, "approval_needed" | "approval">) {
  return needed ?? approval?.when;
}

function placeOf(rule: Rule): [Path, string] {
  if (rule.kind.startsWith("session_")) return [["require"], "require"];
  const inside = rule.rule === "params" && "param" in rule ? rule.param : "detector" in rule ? rule.detector : null;
  const path = inside === null ? [rule.rule] : [rule.rule, inside];
  return [path, path.join(".")];
}
