import type { Tool } from "../../../decode/tool.js";
import type { ActionSource } from "../../../policies/schema.js";
import { type Check, forEntries } from "../check.js";
import { namesOf, offering, toolsOf } from "../tools.js";

/** Limits on parameters where the catalogue makes one part of the request the parameters, and the rest is free. */
export const outsideParams: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, file, told) => {
      const key = limiting(source);
      if (!key) return [];
      const tools = offering(toolsOf(file, context) ?? [], source.name);
      const rests = [...new Set(tools.map(restOf))].filter((rest) => rest !== null);
      return rests.map((rest) => {
        const those = tools.filter((tool) => restOf(tool) === rest);
        return told(
          [key],
          `a call of ${namesOf(those)} may have ${rest} beside its parameters, and ${key} does not limit that`,
        );
      });
    }),
};

/** The first key that limits what parameters may be. */
function limiting({ bounds, additional_params: additional }: ActionSource): string | null {
  const most = bounds.find(({ kind }) => kind === "max");
  return most?.key ?? (additional?.value === "deny" ? "additional_params" : null);
}

/** What a tool may look at beside the one object that holds its parameters; `null` for nothing. */
function restOf({ protocol, params, takesBody }: Tool): string | null {
  // A described call has its parameters and nothing beside them.
  if (protocol === "check") return null;
  if (params.kind !== "object" || params.template.kind !== "reference") return null;
  const { source, names } = params.template.reference;
  const rest = [
    ...(source === "query" ? [] : ["a query"]),
    ...(source === "body" && names.length > 0 ? ["more in its body"] : []),
    ...(source !== "body" && takesBody ? ["a body"] : []),
  ];
  return rest.length > 0 ? rest.join(" and ") : null;
}
