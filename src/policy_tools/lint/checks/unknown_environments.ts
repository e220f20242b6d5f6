import { type Check, forEntries, members } from "../check.js";
import { constant, offering, toolsOf } from "../tools.js";

/** An environment that no tool has, where the catalogue gives each tool a constant one or none. */
export const unknownEnvironments: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, file, told) => {
      if (!source.allowed_environments) return [];
      const tools = offering(toolsOf(file, context) ?? [], source.name);
      const known = tools.flatMap(({ environment }) => (environment ? [constant(environment)] : []));
      if (tools.length === 0 || known.includes(null)) return [];
      if (known.length === 0)
        return [told(["allowed_environments"], "no tool of this file names an environment, so this is always broken")];
      return members("allowed_environments", source.allowed_environments)
        .filter(([name]) => !known.includes(name))
        .map(([name, path]) => told(path, `no tool of this file has the environment ${name}`));
    }),
};
