/** The four answers to a call, from the least to the most restrictive. */
export const verdicts = ["allow", "sanitize", "approval_needed", "deny"] as const;

/** What policy says about one call. The most restrictive of several wins. */
export type Verdict = (typeof verdicts)[number];

/** `enforce` acts on the verdict; `shadow` only records it and lets the call through. */
export type Mode = "enforce" | "shadow";

/** One broken rule, as the agent and the auditor see it. */
export interface Violation {
  /** The rule's own key: `max_replicas`, `allowed_images`, ... */
  rule: string;
  /** The parameter that broke it, where there is one. */
  param?: string;
  /** What the rule permits. */
  limit?: unknown;
  /** What the call asked for. */
  actual?: unknown;
  message: string;
}

/** Changes of a call's headers and query parameters. Names of headers are lower case. */
export interface Sanitize {
  /** True for what the agent's own policies change; what guardrails change stands over it. */
  own: boolean;
  headers: { set: Record<string, string>; remove: string[] };
  query: { set: Record<string, string>; remove: string[] };
}

/** True for the two verdicts that let a call reach the tool. */
export function letsThrough(verdict: Verdict): boolean {
  return verdict === "allow" || verdict === "sanitize";
}
