import type { verdictRules } from "./generated.js";

/** Why a package gave no verdict. Each of them refuses the call. */
export type RegoFailure =
  /** It took longer than it may. */
  | "deadline"
  /** The compiled Rego does not answer for this package. */
  | "undefined"
  /** One of the three rules is neither true nor false. */
  | "not_boolean"
  /** It broke off: two values for one rule, too much memory, an input without a JSON form, a pool that is closed. */
  | "error"
  /** Too many calls were waiting, or it waited too long. */
  | "overloaded";

/** What one package says of a call. A rule that is undefined is false. */
export type RegoAnswer = Record<(typeof verdictRules)[number], boolean> | { failed: RegoFailure };

/** Reads what OPA gives for the entrypoint of a package: `[{result: {deny: ...}}]`. */
export function readAnswer(results: unknown): RegoAnswer {
  const rules: unknown = Array.isArray(results) && results.length === 1 ? results[0]?.result : undefined;
  if (typeof rules !== "object" || rules === null) return { failed: "undefined" };
  const { deny = false, requires_human_approval = false, allow = false } = rules as Record<string, unknown>;
  if (typeof deny !== "boolean" || typeof requires_human_approval !== "boolean" || typeof allow !== "boolean") {
    return { failed: "not_boolean" };
  }
  return { deny, requires_human_approval, allow };
}
