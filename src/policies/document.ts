import type { Mode, Sanitize } from "../verdict.js";
import type { Condition } from "./condition/flat.js";

/** What `policies/rego` reads: one document per agent under `data.policies`. Snake case as in the bundle's `data.json`. */
export interface AgentDocument {
  /** Mode of what no single rule decides: no policy, no matching action. */
  mode: Mode;
  /** `shadow` only when nothing in the document is enforced; then a failure of evaluation or store refuses nobody. */
  failure_mode: Mode;
  files: FileDocument[];
  limits: { enforced?: LimitSet; shadow?: LimitSet };
}

export interface FileDocument {
  file: string;
  /** False for guardrails: they restrict and never grant. */
  grants: boolean;
  /** Absent = every tool. */
  tools?: string[];
  deny_actions?: { exact: string[]; prefixes: string[]; mode: Mode };
  actions: ActionDocument[];
}

export interface ActionDocument {
  name: string;
  rules: Rule[];
  approval?: { source: string; mode: Mode; condition: Condition };
  sanitize?: Sanitize;
  sanitize_mode?: Mode;
}

export type Rule = { rule: string; mode: Mode } & (
  | { kind: "environments"; values: string[] }
  | { kind: "images"; images: { digest: string; repository?: string }[] }
  | { kind: "max" | "min"; param: string; limit: number }
);

/** The lowest limits of all files in one mode. */
export interface LimitSet {
  rate?: { interval_us: number; burst: number };
  daily_budget_micro?: number;
}
