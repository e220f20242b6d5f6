import type { ParamType } from "../../../policies/document.js";
import type { ActionSource } from "../../../policies/schema.js";
import { type Check, forEntries, type LintContext } from "../check.js";

type Spec = NonNullable<ActionSource["params"]>[string];
type Value = string | number | boolean;

/** Values of an `enum` that another rule about the same parameter never lets through, and bounds of what is no number. */
export const paramValues: Check = {
  level: "warning",
  find: (context) =>
    forEntries(context, ({ source }, _, told) =>
      Object.entries(source.params ?? {}).flatMap(([param, spec]) => {
        const bounds = source.bounds.filter((bound) => bound.param === param);
        const excluded = (spec.enum ?? []).flatMap((value, index) => {
          const by = excludedBy(value, spec, bounds, context);
          return by
            ? [told(["params", param, "enum", index], `${JSON.stringify(value)} is never let through: ${by}`)]
            : [];
        });
        const numberless = spec.type !== undefined && !["number", "integer"].includes(spec.type) ? bounds : [];
        return [
          ...excluded,
          ...numberless.map(({ key }) =>
            told([key], `params says that ${param} is a ${spec.type}, which breaks ${key}`),
          ),
        ];
      }),
    ),
};

function excludedBy(value: Value, spec: Spec, bounds: ActionSource["bounds"], context: LintContext): string | null {
  // Of a list each member counts, so its members are what an enum names.
  if (spec.type !== undefined && spec.type !== "list" && !hasType(spec.type, value)) return `it is no ${spec.type}`;
  if (spec.pattern !== undefined && !(typeof value === "string" && context.matchesWhole(spec.pattern, value))) {
    return "it does not match the pattern as a whole";
  }
  const broken = bounds.find(({ kind, value: limit }) => {
    return typeof value !== "number" || (kind === "max" ? value > limit : value < limit);
  });
  return broken ? `it breaks ${broken.key}` : null;
}

function hasType(type: Exclude<ParamType, "list">, value: Value): boolean {
  if (type === "integer") return Number.isInteger(value);
  return typeof value === (type === "map" ? "object" : type);
}
