import { type Check, forEntries } from "../check.js";
import { parametersOf } from "../parameters.js";
import { offering, paramsOf, toolsOf } from "../tools.js";

/** `spec.replicas`: a rule about a parameter looks for that very name and not for a field inside another. */
export const dottedParams: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, file, told) => {
      const { named, all } = paramsOf(offering(toolsOf(file, context) ?? [], source.name));
      // `unknown-param` tells of what is not there where the catalogue names everything.
      if (all) return [];
      return parametersOf(source)
        .filter(([param]) => /[^.]\.[^.]/.test(param) && !named.has(param))
        .map(([param, path]) =>
          told(path, `${param} is no path: parameters are top-level names, which \`params\` of the catalogue can give`),
        );
    }),
};
