import { z } from "zod";
import { wording } from "../files/wording.js";
import { toMicro } from "../money.js";
import { isCountable } from "../store/check.js";
import type { Mode } from "../verdict.js";
import { agentName } from "./names.js";
import { rateForm, rateOf } from "./rate.js";

/** Where a limit on one parameter is written: `max_replicas`, `min_replicas`. */
export const boundKey = /^(max|min)_([A-Za-z][A-Za-z0-9_]*)$/;

const mode = z.enum(["enforce", "shadow"]);

/** A rule with what may be said of any rule. `at` is where its value stands below the rule's key. */
export interface RuleSource<V> {
  value: V;
  mode?: Mode | undefined;
  at: readonly string[];
}

/** What each rule takes, for the JSON Schema: a transformation does not show it. */
export const ruleValues = new WeakMap<z.core.$ZodType, z.core.$ZodType>();

/** Every rule may be written as its bare value or as `{value, mode}`. */
function rule<T extends z.ZodType>(value: T) {
  const long = z.strictObject({ value, mode: mode.optional() });
  const either = z.unknown().transform((raw, context): RuleSource<z.output<T>> => {
    const isLong = typeof raw === "object" && raw !== null && Object.hasOwn(raw, "value");
    const parsed = (isLong ? long : value).safeParse(raw, { error: wording });
    if (!parsed.success) {
      context.issues.push(...(parsed.error.issues as z.core.$ZodRawIssue[]));
      return z.NEVER;
    }
    const rule = isLong ? (parsed.data as { value: z.output<T>; mode?: Mode }) : { value: parsed.data as z.output<T> };
    return { ...rule, at: isLong ? ["value"] : [] };
  });
  ruleValues.set(either, value);
  return either;
}

/** Maps of any key leave `__proto__` out without a word, so it is looked for before. */
function anyKeys<T extends z.ZodType>(map: T) {
  return z.preprocess((raw, context) => {
    if (typeof raw === "object" && raw !== null && Object.hasOwn(raw, "__proto__")) {
      context.addIssue({ code: "unrecognized_keys", keys: ["__proto__"], input: raw as Record<string, unknown> });
    }
    return raw;
  }, map);
}

const image = z.strictObject({
  digest: z.string().min(1),
  repository: z.string().min(1).optional(),
});

/** RFC 9110 section 5.1 token, lower case. Headers that Envoy or Countersign own cannot be changed by a policy. */
const headerName = z
  .string()
  .regex(/^[a-z0-9!#$%&'*+.^`|~-]+$/, "a header name is lower-case letters, digits and - (no underscore)")
  .refine(
    (name) => !/^(host|content-length|transfer-encoding|connection|te|upgrade|x-envoy-.*|x-countersign-.*)$/.test(name),
    "this header belongs to the proxy and cannot be changed by a policy",
  );
const headerValue = z.string().regex(/^[\t\x20-\x7e]*$/, "a header value is visible ASCII");
/** What Envoy accepts in a query it is told to write (`validate_mutations`); it takes no percent-encoding there. */
const queryText = /^[A-Za-z0-9_.*-]*$/;
const queryName = z.string().min(1).regex(queryText, "a query parameter name is letters, digits and - . _ *");
const queryValue = z.string().regex(queryText, "Envoy sets only query values of letters, digits and - . _ *");

/** Envoy removes after it sets, so what is in both would be gone. */
function changes(set: z.ZodType<Record<string, string>>, removed: z.ZodType<string>) {
  return z
    .strictObject({ set: anyKeys(set).optional(), remove: z.array(removed).optional() })
    .superRefine((value, context) => {
      for (const [index, name] of (value.remove ?? []).entries()) {
        if (!Object.hasOwn(value.set ?? {}, name)) continue;
        context.addIssue({ code: "custom", path: ["remove", index], message: `\`${name}\` is both set and removed` });
      }
    })
    .optional();
}

const sanitize = z.strictObject({
  headers: changes(z.record(headerName, headerValue), headerName),
  query: changes(z.record(queryName, queryValue), z.string().min(1)),
});

/** Where a `*` would never match, a rule that is meant to hold would not. */
const actionName = z
  .string()
  .min(1)
  .refine((name) => name === "*" || !name.includes("*"), 'an action is named in full, or "*" for every action');
const deniedAction = z
  .string()
  .min(1)
  .refine((name) => !name.slice(0, -1).includes("*"), "`*` stands only at the end, as in iam:*");
const toolName = z
  .string()
  .regex(/^[A-Za-z0-9._-]+$/, "a tool name is letters, digits and . - _ (no `tools`: every tool)");

const fixedActionKeys = {
  name: actionName,
  mode: mode.optional(),
  allowed_environments: rule(z.array(z.string().min(1))).optional(),
  allowed_images: rule(z.array(image)).optional(),
  approval_needed: rule(z.union([z.string().min(1), z.boolean()])).optional(),
  sanitize: sanitize.optional(),
};
const bound = rule(z.number());

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
          const issues = bound.safeParse(raw, { error: wording }).error?.issues ?? [];
          context.issues.push(
            ...(issues.map((issue) => ({ ...issue, path: [key, ...issue.path] })) as z.core.$ZodRawIssue[]),
          );
        }
      },
      // Other mistakes in the same action do not hide these.
      { when: ({ value }) => typeof value === "object" && value !== null },
    )
    .transform((value) => ({
      ...(value as z.output<z.ZodObject<typeof fixedActionKeys>>),
      bounds: Object.entries(value).flatMap(([key, raw]) => {
        const match = boundKey.exec(key);
        const parsed = bound.safeParse(raw);
        if (!match || !parsed.success) return [];
        return [{ rule: key, kind: match[1] as "max" | "min", param: match[2] as string, ...parsed.data }];
      }),
    })),
);

/** What a store can count; beyond it every call would be refused for a fault of ours. */
function countable(rate: string, burst: number | undefined): boolean {
  const { interval_us: intervalUs, burst: atOnce } = rateOf(rate, burst);
  if (!(atOnce >= 1)) return true; // That is another mistake, and told already.
  return isCountable({ intervalUs, burst: atOnce });
}

const limits = z
  .strictObject({
    rate: z.string().regex(rateForm, "write a rate as 5/s, 100/m or 1000/h").optional(),
    burst: z.int().min(1).max(1_000_000).optional(),
    daily_budget: z
      .number()
      .refine((value) => toMicro(value) !== null, "a budget is at least 0 and has at most 6 decimals")
      .optional(),
  })
  .refine((value) => Object.keys(value).length > 0, "name a `rate`, a `daily_budget` or both")
  .refine((value) => value.burst === undefined || value.rate !== undefined, {
    path: ["burst"],
    message: "`burst` says how many calls of the `rate` may come at once, and there is no `rate`",
  })
  .refine(({ rate, burst }) => rate === undefined || !rateForm.test(rate) || countable(rate, burst), {
    path: ["burst"],
    message: "so many calls of so slow a `rate` would take longer to refill than can be counted",
  });

/** One policy file. */
export const policySchema = z
  .strictObject({
    agent: agentName.optional(),
    agents: z.array(agentName).min(1).optional(),
    guardrail: z.boolean().optional(),
    mode: mode.optional(),
    tools: z.array(toolName).min(1).optional(),
    deny_actions: rule(z.array(deniedAction)).optional(),
    actions: z.array(action).optional(),
    limits: limits.optional(),
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
    if (!policy.actions && !policy.deny_actions && !policy.limits) {
      context.addIssue({
        code: "custom",
        path: [],
        message: "the policy has neither actions nor deny_actions nor limits",
      });
    }
  });

export type PolicySource = z.output<typeof policySchema>;
export type ActionSource = NonNullable<PolicySource["actions"]>[number];
