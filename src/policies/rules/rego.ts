import { z } from "zod";
import { rule } from "../rule.js";
import { ruleKey } from "./rule_key.js";

const packageName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/,
    "a package is written as in Rego, such as agent.deploy",
  );

/** `rego`: each of these packages of the user's Rego lets the call through. */
export const rego = ruleKey(
  rule(z.array(packageName).min(1), "packages of your own Rego that have to let the call through"),
  ({ value, ...standing }, { mistake }) => {
    if (standing.on_violation === "approval_needed") {
      mistake(["on_violation"], "a package says itself when people are asked: `requires_human_approval`");
    }
    return value.map((name) => ({ kind: "rego", package: name, standing }));
  },
);
