import type { Path } from "../../../files/located_yaml.js";
import type { ActionSource } from "../../../policies/schema.js";
import { type Check, forEntries } from "../check.js";
import { offering, toolsOf } from "../tools.js";

/** A rule about a parameter that no tool has, where the catalogue names all of them. */
export const unknownParams: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, file, told) => {
      const tools = offering(toolsOf(file, context) ?? [], source.name);
      if (tools.length === 0) return [];
      const names = tools.map(({ params }) =>
        params.kind === "named" ? params.templates.map(([name]) => name) : null,
      );
      if (names.includes(null)) return [];
      const known = new Set((names as string[][]).flat());
      return spokenOf(source)
        .filter(([param]) => !known.has(param))
        .map(([param, path]) =>
          told(
            path,
            `the tools of this file have no parameter ${param}; they have ${[...known].sort().join(", ") || "none"}`,
          ),
        );
    }),
};

function spokenOf({ bounds, params = {}, cost }: ActionSource): [string, Path][] {
  const per = typeof cost === "object" ? Object.keys(cost.per ?? {}) : [];
  return [
    ...bounds.map(({ param, key }): [string, Path] => [param, [key]]),
    ...Object.keys(params).map((param): [string, Path] => [param, ["params", param]]),
    ...per.map((param): [string, Path] => [param, ["cost", "per", param]]),
  ];
}
