import { z } from "zod";
import { rule } from "../rule.js";
import { ruleKey } from "./rule_key.js";

/** `allowed_environments`: the call names one of these. */
export const allowedEnvironments = ruleKey(
  rule(z.array(z.string().min(1)), "environments that the call may name"),
  ({ value, ...standing }) => [{ kind: "environments", values: value, standing }],
);
