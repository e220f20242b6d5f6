import { bounded } from "../bounded.js";
import type { Violation } from "../verdict.js";

/** What the policy program says of a broken rule, before it is put into words. */
export type Finding = Omit<Violation, "message">;

const fixed: Readonly<Record<string, (finding: Finding) => string>> = {
  no_policy: () => "no policy names this agent",
  deny_actions: ({ actual }) => `action ${show(actual)} is denied by name`,
  action_not_allowed: ({ actual }) => `no policy of this agent lists action ${show(actual)} for this tool`,
  allowed_environments: ({ actual, limit }) =>
    actual === null ? "the call names no environment" : `environment ${show(actual)} is not one of ${list(limit)}`,
  allowed_images: ({ actual }) =>
    Array.isArray(actual) && actual.length > 0
      ? `image ${list(actual)} is not allowed: every image needs an approved digest`
      : "the call names no image, and only approved images are allowed",
  condition_error: ({ limit }) => `the condition ${show(limit)} could not be evaluated for this call`,
  approval_needed: ({ limit }) => `the policy asks for approval: ${show(limit)}`,
};

/** The sentence that the agent and the auditor read. Built here, so that every engine gives the same findings. */
export function describe(finding: Finding): Violation {
  const shown = Object.hasOwn(finding, "actual") ? { ...finding, actual: bounded(finding.actual) } : finding;
  return { ...shown, message: sentence(finding) };
}

function sentence(finding: Finding): string {
  const { rule, param, limit, actual } = finding;
  if (Object.hasOwn(fixed, rule) && fixed[rule]) return fixed[rule](finding);
  if (param === undefined) return `rule ${rule} is broken`;
  if (typeof actual !== "number") return `${param} is not a number, and ${rule} limits it`;
  return `${param} ${actual} is ${rule.startsWith("max_") ? "above" : "below"} ${rule} ${show(limit)}`;
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "none");
  return text.length > 200 ? `${text.slice(0, 200)}... (${text.length} characters)` : text;
}

function list(value: unknown): string {
  return show(Array.isArray(value) ? value.map(String).join(", ") : value);
}
