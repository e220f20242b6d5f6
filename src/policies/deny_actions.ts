import { z } from "zod";
import { rule } from "./rule.js";

/** Where a `*` would never match, a rule that is meant to hold would not. */
const deniedAction = z
  .string()
  .min(1)
  .refine((name) => !name.slice(0, -1).includes("*"), "`*` stands only at the end, as in iam:*")
  .refine((name) => name.trim() === name, "an action neither begins nor ends with a blank");

/** `deny_actions`: actions that are refused whatever else is said. */
export const denyActionsSchema = rule(
  z.array(deniedAction),
  "actions that are refused whatever else is said; iam:* stands for any rest",
);

/** `iam:*` denies every action that begins with `iam:`. */
export function splitPrefixes(names: readonly string[]): { exact: string[]; prefixes: string[] } {
  return {
    exact: names.filter((name) => !name.endsWith("*")),
    prefixes: names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1)),
  };
}
