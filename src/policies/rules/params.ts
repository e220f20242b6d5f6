import { z } from "zod";
import type { Json } from "../../call.js";
import { detectors } from "../../dlp/detectors.js";
import { paramTypes, type RuleBody } from "../document.js";
import { anyKeys, rule, standing } from "../rule.js";
import { type CompiledRule, ruleKey } from "./rule_key.js";

const forbidden = [...detectors].flatMap(([name, { kind }]) => (kind === "payload" ? [name] : []));

const scalar = z.union([z.string(), z.number(), z.boolean()], "expected a text, a number, true or false");

const spec = z
  .strictObject({
    type: z.enum(paramTypes).optional(),
    pattern: z.string().min(1).optional(),
    enum: z.array(scalar).min(1).optional(),
    forbid: z.array(z.enum(forbidden)).min(1).optional(),
    required: z.boolean().optional(),
    ...standing,
  })
  .refine(({ pattern, type }) => pattern === undefined || type === undefined || ["string", "list"].includes(type), {
    path: ["pattern"],
    message: "a `pattern` is for texts, and the `type` says something else",
  });

/** `params`: what each parameter has to be. */
export const params = ruleKey(
  anyKeys(z.record(z.string().min(1), spec)).describe("what each parameter has to be"),
  (written, { mistake, patternMistake }) =>
    Object.entries(written).flatMap(([param, { mode, on_violation, ...said }]) => {
      const { required, type, pattern, enum: values, forbid = [] } = said;
      const wrong = pattern === undefined ? null : patternMistake(pattern);
      if (wrong !== null) mistake([param, "pattern"], `${JSON.stringify(pattern)} ${wrong}`);
      const bodies: RuleBody[] = [
        ...(required ? [{ kind: "param_required", param } as const] : []),
        ...(type ? [{ kind: "param_type", param, type } as const] : []),
        ...(pattern !== undefined ? [{ kind: "param_pattern", param, pattern } as const] : []),
        ...(values ? [{ kind: "param_enum", param, values: values as Json[] } as const] : []),
        ...forbid.map((detector) => ({ kind: "param_forbid", param, detector }) as const),
      ];
      return bodies.map((body): CompiledRule => ({ ...body, standing: { mode, on_violation } }));
    }),
);

/** `additional_params: deny`: no parameter that neither `params` nor a bound of the action names. */
export const additionalParams = ruleKey(
  rule(z.enum(["allow", "deny"]), "deny: no parameter that neither `params` nor a bound names"),
  ({ value, ...standing }, action) =>
    value === "allow" ? [] : [{ kind: "additional", names: [...new Set(action.params)].sort(), standing }],
);
