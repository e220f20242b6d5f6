import type { Json } from "../call.js";
import type { Mode } from "../verdict.js";
import type { Condition } from "./condition/flat.js";

/** What `policies/rego` reads: one document per agent under `data.policies`. Snake case as in the bundle's `data.json`. */
export interface AgentDocument {
  /** Mode of what no single rule decides: no policy, no matching action. */
  mode: Mode;
  /** `shadow` only when nothing in the document is enforced; then a failure of evaluation or store refuses nobody. */
  failure_mode: Mode;
  files: FileDocument[];
  limits: { enforced?: LimitSet; shadow?: LimitSet };
  needs: Needs;
}

/** What has to be found out about a call before the document can judge it. Sorted, without doubles. */
export interface Needs {
  /** Built-in detectors to run over the call. */
  detectors: string[];
  /** The user's own detectors (RE2). */
  patterns: { name: string; pattern: string }[];
  /** IANA time zones whose local time is asked for. */
  zones: string[];
  /** Packages of the user's Rego. */
  rego: string[];
  /** True when what the session did so far is asked for. */
  session: boolean;
}

export interface FileDocument {
  file: string;
  /** For every agent; guardrails have the last word on what is changed. */
  guardrail: boolean;
  /** False for guardrails, which only restrict, and for what is only tried out beside something enforced. */
  grants: boolean;
  /** Absent = every tool. */
  tools?: string[];
  /** Names as they are written; `prefixes` without their `*`. */
  deny_actions?: { exact: string[]; prefixes: string[] } & Standing;
  egress?: { allow: EgressPattern[] } & Standing;
  actions: ActionDocument[];
}

export interface ActionDocument {
  name: string;
  rules: Rule[];
  approval?: { source: string; mode: Mode; condition: Condition };
  /** How an approval that this entry asks for has to be given. */
  terms?: {
    approvers?: string[];
    quorum?: number;
    expires_in_ms?: number;
    hold_ms?: number;
    /** After so long without a decision, members of these groups may answer too. */
    escalate?: { after_ms: number; to: string[] };
  };
  sanitize?: SanitizeDocument;
  sanitize_mode?: Mode;
}

/** `redact` replaces the value of what the call has; `remove` and `set` are as in a verdict. */
export interface SanitizeDocument {
  headers: { set: Record<string, string>; remove: string[]; redact: string[] };
  query: { set: Record<string, string>; remove: string[]; redact: string[] };
}

/** How a rule stands: whether it is acted upon, and whether a breach can be approved by people. */
export interface Standing {
  mode: Mode;
  /** Absent = a breach denies. */
  on_violation?: "approval_needed";
}

/** A rule of an action. `rule` is the reason when it is broken: the key in the policy, but for `require`. */
export type Rule = { rule: string } & Standing & RuleBody;

/** What `require` asks of a session; with a condition, for calls for which that is not false. */
export interface OfSession {
  when?: { source: string; condition: Condition };
}

export type RuleBody =
  | { kind: "environments"; values: string[] }
  | { kind: "images"; images: { digest?: string; repository?: string }[] }
  | { kind: "max" | "min"; param: string; limit: number }
  | { kind: "param_required"; param: string }
  | { kind: "param_type"; param: string; type: ParamType }
  | { kind: "param_pattern"; param: string; pattern: string }
  | { kind: "param_enum"; param: string; values: Json[] }
  | { kind: "param_forbid"; param: string; detector: string }
  | { kind: "additional"; names: string[] }
  | { kind: "window_allow" | "window_deny"; zone: string; slots: Slot[] }
  | ({ kind: "session_bound" | "session_integrity" | "session_anomalies" } & OfSession)
  | ({ kind: "session_role"; values: string[] } & OfSession)
  | ({ kind: "session_clearance"; classification: string; values: string[] } & OfSession)
  | { kind: "dlp_deny" | "dlp_redact"; detector: string }
  | { kind: "dlp_tag"; detector: string; tag: string }
  | { kind: "rego"; package: string }
  | { kind: "cost"; base_micro: number; per: Record<string, number> };

export const paramTypes = ["string", "number", "integer", "boolean", "list", "map"] as const;
export type ParamType = (typeof paramTypes)[number];

/** Part of one weekday (0 = Sunday), in minutes of the local day: `from` counts, `to` does not. */
export interface Slot {
  day: number;
  from: number;
  to: number;
}

export interface EgressPattern {
  /** As written. */
  text: string;
  /** Canonical host, or what follows `*.`. */
  host: string;
  wildcard: boolean;
  /** Absent = any port. */
  port?: number;
}

/** The lowest limits of all files in one mode. */
export interface LimitSet {
  rate?: RateDocument;
  /** Of the agent with one tool, by the tool's name. */
  tools?: Record<string, RateDocument>;
  daily_budget_micro?: number;
  session_budget_micro?: number;
}

/** GCRA: the time between two calls, and how many may come at once. */
export interface RateDocument {
  interval_us: number;
  burst: number;
}

/** The rate of the agent with one tool; a tool that is named as something every object has is none by that. */
export function toolRateOf({ tools }: LimitSet, tool: string | null): RateDocument | undefined {
  return tools && tool !== null && Object.hasOwn(tools, tool) ? tools[tool] : undefined;
}
