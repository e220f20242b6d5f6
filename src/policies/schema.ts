import { z } from "zod";
import { approvalNeededSchema, approvalSchema } from "./approval.js";
import { denyActionsSchema } from "./deny_actions.js";
import { egressSchema } from "./egress.js";
import { limitsSchema } from "./limits.js";
import { agentName } from "./names.js";
import { anyKeys, mode, onViolation } from "./rule.js";
import { boundKey, boundMistakes, readBounds } from "./rules/bounds.js";
import { type RuleKeyName, ruleKeys } from "./rules/table.js";
import { sanitizeSchema } from "./sanitize.js";

/** Where a `*` would never match, a rule that is meant to hold would not. */
const actionName = z
  .string()
  .min(1)
  .refine((name) => name === "*" || !name.includes("*"), 'an action is named in full, or "*" for every action');
const toolName = z
  .string()
  .regex(/^[A-Za-z0-9._-]+$/, "a tool name is letters, digits and . - _ (no `tools`: every tool)");

type RuleShape = { [K in RuleKeyName]: z.ZodOptional<(typeof ruleKeys)[K]["schema"]> };

const ruleShape = Object.fromEntries(
  Object.entries(ruleKeys).map(([key, { schema }]) => [key, (schema as z.ZodType).optional()]),
) as unknown as RuleShape;

const fixedActionKeys = {
  name: actionName.describe("the action, or * for every action"),
  mode: mode.optional(),
  on_violation: onViolation.optional(),
  ...ruleShape,
  approval_needed: approvalNeededSchema.optional(),
  approval: approvalSchema.optional(),
  sanitize: sanitizeSchema.optional(),
};

/** One entry of `actions` as it is written, its `max_*` and `min_*` keys unchecked. */
export const writtenAction = z.looseObject(fixedActionKeys);

/** One entry of `actions`; `max_*` and `min_*` keys are collected under `bounds`. */
const action = anyKeys(
  writtenAction
    .superRefine(
      (value, context) => {
        for (const [key, raw] of Object.entries(value)) {
          if (Object.hasOwn(fixedActionKeys, key)) continue;
          if (!boundKey.test(key)) {
            context.addIssue({ code: "unrecognized_keys", keys: [key], input: value });
            continue;
          }
          const issues = boundMistakes(raw).map((issue) => ({ ...issue, path: [key, ...issue.path] }));
          context.issues.push(...(issues as z.core.$ZodRawIssue[]));
        }
        if (value.approval_needed !== undefined && value.approval?.when !== undefined) {
          const message = "the condition stands already under `approval_needed`";
          context.addIssue({ code: "custom", path: ["approval", "when"], message });
        }
      },
      // Other mistakes in the same action do not hide these.
      { when: ({ value }) => typeof value === "object" && value !== null },
    )
    .transform((value) => ({
      ...(value as z.output<z.ZodObject<typeof fixedActionKeys>>),
      bounds: readBounds(value),
    })),
);

/** What makes a policy say anything. */
const speaking = ["actions", "deny_actions", "egress", "limits", "rego"] as const;

/** One policy file. */
export const policySchema = z
  .strictObject({
    agent: agentName.optional().describe("the agent the file is for; * for agents that no file names"),
    agents: z.array(agentName).min(1).optional().describe("the agents the file is for"),
    guardrail: z.boolean().optional().describe("true: for every agent, restricts, and grants nothing"),
    mode: mode.optional(),
    tools: z.array(toolName).min(1).optional().describe("tools that the file speaks of; every tool by default"),
    deny_actions: denyActionsSchema.optional(),
    egress: egressSchema.optional(),
    rego: ruleKeys.rego.schema.optional(),
    actions: z.array(action).optional().describe("what the agent may do, and within which rules"),
    limits: limitsSchema.optional(),
  })
  .superRefine((policy, context) => {
    const scopes = [policy.agent !== undefined, policy.agents !== undefined, policy.guardrail === true];
    if (scopes.filter(Boolean).length !== 1) {
      context.addIssue({
        code: "custom",
        path: [],
        message: "name exactly one of `agent`, `agents` or `guardrail: true`",
      });
    }
    if (speaking.every((key) => policy[key] === undefined)) {
      const message = `the policy says nothing: give it one of ${speaking.map((key) => `\`${key}\``).join(", ")}`;
      context.addIssue({ code: "custom", path: [], message });
    }
  });

export type PolicySource = z.output<typeof policySchema>;
export type ActionSource = NonNullable<PolicySource["actions"]>[number];
