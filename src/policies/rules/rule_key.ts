import type { z } from "zod";
import type { Path } from "../../files/located_yaml.js";
import type { Place } from "../../files/scalar_place.js";
import type { RuleBody } from "../document.js";
import type { Said } from "../rule.js";

/** What a rule may look at beside its own value. */
export interface RuleContext {
  /** Parameters that the same action says anything about. */
  params: readonly string[];
  /** Tells of a mistake at a place below the rule's key. */
  mistake(path: Path, message: string, within?: Place): void;
  /** What is wrong with a pattern (RE2), `null` when nothing is. */
  patternMistake(text: string): string | null;
}

/**
 * A rule as it is compiled; `standing` holds what was said of it, where something was, and `rule` its own reason where
 * that is not its key.
 */
export type CompiledRule = RuleBody & { standing?: Said; rule?: string };

/** One key of an action that makes rules: what may be written, and what becomes of it. */
export interface RuleKey<T extends z.ZodType = z.ZodType> {
  schema: T;
  compile(written: z.output<T>, context: RuleContext): CompiledRule[];
}

/** Keeps the two types of a row together. */
export function ruleKey<T extends z.ZodType>(schema: T, compile: RuleKey<T>["compile"]): RuleKey<T> {
  return { schema, compile };
}
