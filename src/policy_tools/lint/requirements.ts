import type { Path } from "../../files/located_yaml.js";
import type { Condition } from "../../policies/condition/flat.js";
import type { ActionSource } from "../../policies/schema.js";
import type { LintEntry } from "./check.js";

type Written = NonNullable<ActionSource["require"]>["value"];

/** One map of `require`. */
export type Requirement = Exclude<Written, readonly unknown[]>;

/** Every map of an entry's `require`, with its place in the entry. */
export function requirementsOf({ require: written }: ActionSource): [Requirement, Path][] {
  if (!written) return [];
  const { value, at } = written;
  if (!Array.isArray(value)) return [[value, ["require", ...at]]];
  return value.map((one, index) => [one, ["require", ...at, index]]);
}

/** Every condition of an entry with its place in the file: when people are asked, and when something is required. */
export function conditionsOf({
  source,
  compiled,
  at: entry,
  asking,
}: LintEntry): { source: string; condition: Condition; at: Path }[] {
  const { approval, rules } = compiled;
  const required = requirementsOf(source).flatMap(([{ when }, at]) => {
    const rule = rules.find((one) => "when" in one && one.when?.source === when);
    return rule && "when" in rule && rule.when ? [{ ...rule.when, at: [...entry, ...at, "when"] }] : [];
  });
  return [...(approval ? [{ source: approval.source, condition: approval.condition, at: asking }] : []), ...required];
}
