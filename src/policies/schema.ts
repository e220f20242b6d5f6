import { z } from "zod";
import { approvalNeededSchema, approvalSchema } from "./approval.js";
import { denyActionsSchema } from "./deny_actions.js";
import { egressSchema } from "./egress.js";
import { limitsSchema } from "./limits.js";
import { agentName, toolName } from "./names.js";
import { anyKeys, mode, onViolation } from "./rule.js";
import { boundKey, boundMistakes, readBounds } from "./rules/bounds.js";
import { type RuleKeyName, ruleKeys } from "./rules/table.js";
import { sanitizeSchema } from "./sanitize.js";

/** Where a `*` would never match, a rule that is meant to hold would not. */
const actionName = z
  .string()
  .min(1)
  .refine((name) => name === "*" || !name.includes("*"), 'an action is named in full, or "*" for every action');
const tool = toolName("no `tools`: every tool");

type RuleShape = { [K in RuleKeyName]: z.ZodOptional<(typeof ruleKeys)[K]["schema"]> };

const ruleShape = Object.fromEntries(
  Object.entries(ruleKeys).map(([key, { schema }]) => [key, (schema as z.ZodType).optional()]),
) as unknown as RuleShape;

/** Of a file they hold for each of its actions that does not say otherwise. */
const approvalKeys = z.object({
  approval_needed: approvalNeededSchema.optional(),
  approval: approvalSchema.optional(),
});

const fixedActionKeys = {
  name: actionName.describe("the action, or * for every action"),
  mode: mode.optional(),
  on_violation: onViolation.optional(),
  ...ruleShape,
  ...approvalKeys.shape,
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
        tellSecondCondition(value, context);
      },
      // Other mistakes in the same action do not hide these.
      { when: ({ value }) => typeof value === "object" && value !== null },
    )
    .transform((value) => ({
      ...(value as z.output<z.ZodObject<typeof fixedActionKeys>>),
      bounds: readBounds(value),
    })),
);

/** Where people are asked by two conditions, one of them would be lost. */
function tellSecondCondition(
  { approval_needed: needed, approval }: z.output<typeof approvalKeys>,
  context: z.RefinementCtx,
): void {
  if (needed === undefined || approval?.when === undefined) return;
  const message = "the condition stands already under `approval_needed`";
  context.addIssue({ code: "custom", path: ["approval", "when"], message });
}

/** What makes a policy say anything. */
const speaking = ["actions", "deny_actions", "egress", "limits", "rego"] as const;

/** One policy file. */
export const policySchema = z
  .strictObject({
    agent: agentName.optional().describe("the agent the file is for; * for agents that no file names"),
    agents: z.array(agentName).min(1).optional().describe("the agents the file is for"),
    guardrail: z.boolean().optional().describe("true: for every agent, restricts, and grants nothing"),
    mode: mode.optional(),
    tools: z.array(tool).min(1).optional().describe("tools that the file speaks of; every tool by default"),
    deny_actions: denyActionsSchema.optional(),
    egress: egressSchema.optional(),
    rego: ruleKeys.rego.schema.optional(),
    actions: z.array(action).optional().describe("what the agent may do, and within which rules"),
    ...approvalKeys.shape,
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
    tellSecondCondition(policy, context);
    if (listsNothing(policy)) {
      for (const key of ["approval_needed", "approval"] as const) {
        if (policy[key] === undefined) continue;
        const message = "holds for the `actions` of the file, and it lists none";
        context.addIssue({ code: "custom", path: [key], message });
      }
    }
  });

/** `rego` without `actions` is for every action. */
function listsNothing({ actions, rego }: { actions?: unknown[] | undefined; rego?: unknown }): boolean {
  return actions === undefined ? rego === undefined : actions.length === 0;
}

export type PolicySource = z.output<typeof policySchema>;
export type ActionSource = NonNullable<PolicySource["actions"]>[number];
