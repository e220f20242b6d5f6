import { z } from "zod";
import { wording } from "../../files/wording.js";
import { type RuleSource, rule } from "../rule.js";
import type { CompiledRule } from "./rule_key.js";

/** Where a limit on one parameter is written: `max_replicas`, `min_replicas`. */
export const boundKey = /^(max|min)_([A-Za-z][A-Za-z0-9_]*)$/;

const bound = rule(z.number(), "bound of a number");

export interface Bound extends RuleSource<number> {
  key: string;
  kind: "max" | "min";
  param: string;
}

/** The mistakes in the value of a `max_*` or `min_*` key. */
export function boundMistakes(raw: unknown): z.core.$ZodIssue[] {
  return bound.safeParse(raw, { error: wording }).error?.issues ?? [];
}

/** The `max_*` and `min_*` keys of an action, those with mistakes left out. */
export function readBounds(action: object): Bound[] {
  return Object.entries(action).flatMap(([key, raw]) => {
    const match = boundKey.exec(key);
    const parsed = bound.safeParse(raw);
    if (!match || !parsed.success) return [];
    return [{ key, kind: match[1] as "max" | "min", param: match[2] as string, ...parsed.data }];
  });
}

/** `max_<param>`, `min_<param>`: the parameter is a number within the bound, or absent. */
export function compileBound({ kind, param, value, ...standing }: Bound): CompiledRule {
  return { kind, param, limit: value, standing };
}
