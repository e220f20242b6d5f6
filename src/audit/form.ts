import { z } from "zod";
import type { Json } from "../call.js";
import type { Violation } from "../verdict.js";
import type { DecisionRecord } from "./record.js";
import { decisionShape } from "./record_schema.js";

/** What stands in a record in place of something that would have made its line too long. */
export interface Omitted {
  omitted: true;
  sha256: string;
  bytes: number;
}

/** One view of the policies as it is recorded: broken rules have no sentence, and what is set has no value. */
export interface RecordedView {
  verdict: DecisionRecord["decision"];
  reason: string;
  violations: Omit<Violation, "message">[];
  sanitize: { headers: RecordedChanges; query: RecordedChanges }[];
  redeems: boolean;
}

interface RecordedChanges {
  set: Record<string, string>;
  remove: string[];
}

/** What the policies were asked and what they said, with secrets masked. */
export interface RecordedEvaluation {
  policy_version: string;
  input: { [name: string]: Json } | Omitted;
  result: { decision: RecordedView; enforced: RecordedView } | Omitted;
}

/** A decision as it is read back: what here is typed was checked, whatever else a line holds was not. */
export type RecordedDecision = Pick<
  DecisionRecord,
  | "kind"
  | "decision_id"
  | "timestamp"
  | "agent_id"
  | "tool"
  | "action"
  | "environment"
  | "decision"
  | "enforced"
  | "aggregated"
  | "mode"
  | "reason"
> & { opa_decision: RecordedEvaluation | null };

const omitted = z.looseObject({ omitted: z.literal(true), sha256: z.string(), bytes: z.number() });
const names = z.array(z.string());
const changes = z.looseObject({ set: z.record(z.string(), z.string()), remove: names });
const view = z.looseObject({
  verdict: decisionShape.decision,
  reason: z.string(),
  violations: z.array(z.looseObject({ rule: z.string(), param: z.string().optional() })),
  sanitize: z.array(z.looseObject({ headers: changes, query: changes })),
  redeems: z.boolean(),
});
const object = z.custom<object>((value) => typeof value === "object" && value !== null && !Array.isArray(value));
const shape = decisionShape;
const decision = z.looseObject({
  kind: shape.kind,
  decision_id: shape.decision_id,
  timestamp: shape.timestamp,
  agent_id: shape.agent_id,
  tool: shape.tool,
  action: shape.action,
  environment: shape.environment,
  decision: shape.decision,
  enforced: shape.enforced,
  aggregated: shape.aggregated,
  mode: shape.mode,
  reason: shape.reason,
  opa_decision: z
    .looseObject({
      policy_version: z.string(),
      input: object,
      result: z.union([z.looseObject({ decision: view, enforced: view }), omitted]),
    })
    .nullable(),
});

/** Why a value is no record of a decision, by the first member that is not as it should be; `null` for one that is. */
export function faultOfDecision(value: object): string | null {
  const issue = decision.safeParse(value).error?.issues[0];
  if (!issue) return null;
  return `${issue.path.join(".") || "the record"} is not what a record of a decision has`;
}

/** So many calls the record stands for: one, or the refusals that were counted together. */
export function callsIn({ aggregated }: Pick<RecordedDecision, "aggregated">): number {
  return aggregated?.count ?? 1;
}

/** True for what stands in place of a large value. */
export function isOmitted(value: object): value is Omitted {
  return "omitted" in value && value.omitted === true;
}
