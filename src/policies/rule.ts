import { z } from "zod";
import { wording } from "../files/wording.js";
import type { Mode } from "../verdict.js";
import type { Standing } from "./document.js";

export const mode = z.enum(["enforce", "shadow"]).describe("enforce acts on the rules; shadow only records");
export const onViolation = z.enum(["deny", "approval_needed"]).describe("what a breach leads to; deny by default");

/** What may be said of any rule beside its value. */
export const standing = { mode: mode.optional(), on_violation: onViolation.optional() };

/** A rule with what is said of it. `at` is where its value stands below the rule's key. */
export interface RuleSource<V> {
  value: V;
  mode?: Mode | undefined;
  on_violation?: z.output<typeof onViolation> | undefined;
  at: readonly string[];
}

/** What each rule takes, for the JSON Schema: a transformation does not show it. */
export const ruleValues = new WeakMap<z.core.$ZodType, z.core.$ZodType>();

/** Every rule may be written as its bare value or as `{value, mode, on_violation}`. `meaning` is for editors. */
export function rule<T extends z.ZodType>(value: T, meaning: string) {
  const long = z.strictObject({ value, ...standing });
  const read = z.unknown().transform((raw, context): RuleSource<z.output<T>> => {
    const isLong = typeof raw === "object" && raw !== null && Object.hasOwn(raw, "value");
    const parsed = (isLong ? long : value).safeParse(raw, { error: wording });
    if (!parsed.success) {
      context.issues.push(...(parsed.error.issues as z.core.$ZodRawIssue[]));
      return z.NEVER;
    }
    if (!isLong) return { value: parsed.data as z.output<T>, at: [] };
    return { ...(parsed.data as Omit<RuleSource<z.output<T>>, "at">), at: ["value"] };
  });
  const either = read.describe(meaning);
  ruleValues.set(either, value);
  return either;
}

/** What was said of how a rule stands. */
export type Said = { [K in keyof typeof standing]?: z.output<(typeof standing)[K]> | undefined };

/** How a rule stands that says nothing itself: as its action, else as its file. */
export interface Defaults extends Said {
  mode: Mode;
}

/** The narrower word holds. */
export function standingOf(source: Said, defaults: Defaults): Standing {
  const breach = source.on_violation ?? defaults.on_violation;
  return {
    mode: source.mode ?? defaults.mode,
    ...(breach === "approval_needed" && { on_violation: breach }),
  };
}

/** Maps of any key leave `__proto__` out without a word, so it is looked for before. */
export function anyKeys<T extends z.ZodType>(map: T) {
  return z.preprocess((raw, context) => {
    if (typeof raw === "object" && raw !== null && Object.hasOwn(raw, "__proto__")) {
      context.addIssue({ code: "unrecognized_keys", keys: ["__proto__"], input: raw as Record<string, unknown> });
    }
    return raw;
  }, map);
}
