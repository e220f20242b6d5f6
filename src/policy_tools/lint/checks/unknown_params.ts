import { type Check, forEntries } from "../check.js";
import { parametersOf } from "../parameters.js";
import { offering, paramsOf, toolsOf } from "../tools.js";

/** A rule about a parameter that no tool has, where the catalogue names all of them. */
export const unknownParams: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, file, told) => {
      const { named, all } = paramsOf(offering(toolsOf(file, context) ?? [], source.name));
      if (!all) return [];
      const there = [...named].sort().join(", ") || "none";
      return parametersOf(source)
        .filter(([param]) => !named.has(param))
        .map(([param, path]) => told(path, `the tools of this file have no parameter ${param}; they have ${there}`));
    }),
};
