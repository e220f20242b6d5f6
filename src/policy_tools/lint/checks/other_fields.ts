import { isDeepStrictEqual } from "node:util";
import type { Template } from "../../../decode/template.js";
import { fieldNames, type Tool } from "../../../decode/tool.js";
import type { ActionSource } from "../../../policies/schema.js";
import { type Check, forEntries } from "../check.js";
import { parametersOf } from "../parameters.js";
import { namesOf, offering, toolsOf } from "../tools.js";

/** A rule about the parameter `amount` where the catalogue takes the amount of the call from somewhere else. */
export const otherFields: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, file, told) => {
      const tools = offering(toolsOf(file, context) ?? [], source.name);
      return parametersOf(source).flatMap(([param, path]) => {
        const field = fieldNames.find((name) => name === param);
        if (!field || asksNothing(source.params?.[field], path)) return [];
        const elsewhere = tools.filter((tool) => isElsewhere(tool, field));
        if (elsewhere.length === 0) return [];
        const message = `this is the parameter ${field}, and the ${field} of ${namesOf(elsewhere)} is not taken from there`;
        return [told(path, message)];
      });
    }),
};

/** `{}` only names a parameter, for `additional_params`. */
function asksNothing(
  spec: NonNullable<ActionSource["params"]>[string] | undefined,
  [key]: readonly PropertyKey[],
): boolean {
  if (key !== "params" || !spec) return false;
  const { mode: _, on_violation: __, ...asked } = spec;
  return Object.keys(asked).length === 0;
}

function isElsewhere({ fields, params }: Tool, field: (typeof fieldNames)[number]): boolean {
  const rule = fields[field];
  if (rule === "parameter" || rule === "none") return false;
  const [template, ...others] = rule;
  if (!template || others.length > 0) return true;
  switch (params.kind) {
    case "everything":
      return !isReference(template, [field]);
    case "object":
      return !isReferenceBelow(template, params.template, field);
    case "named":
      return !params.templates.some(([name, other]) => name === field && isDeepStrictEqual(other, template));
  }
}

function isReference(template: Template, names: readonly string[]): boolean {
  return template.kind === "reference" && isDeepStrictEqual(template.reference.names, names);
}

/** True for the member `name` of what `object` stands for. */
function isReferenceBelow(template: Template, object: Template, name: string): boolean {
  if (object.kind !== "reference" || template.kind !== "reference") return false;
  const { source, names } = object.reference;
  return template.reference.source === source && isReference(template, [...names, name]);
}
