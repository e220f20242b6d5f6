import { type ErrorName, errors } from "../reasons.js";
import type { Verdict, Violation } from "../verdict.js";

/** The error payload of a refused call (RFC 9457, `application/problem+json`). Members in the documented order. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  error: ErrorName;
  decision: Verdict;
  reason: string;
  violations: readonly Violation[];
  decision_id: string;
  policy_version: string | null;
  agent_id: string | null;
  tool: string | null;
  action: string | null;
  /** What the agent does next. */
  next: string;
  approval?: { id: string; status_url: string; expires_at: string; poll_after_s: number };
}

/** How soon polling `status_url` without `wait` makes sense. */
export const pollAfterSeconds = 2;

/** Builds the payload; `type` and `title` follow from the error's name. */
export function problem(fields: Omit<Problem, "type" | "title">): Problem {
  const { type, title } = errors[fields.error];
  return { type, title, ...fields };
}
