import type { AuditSink, DecisionRecord } from "../audit/record.js";
import type { Call, HttpRequest, Identity, Json, Session } from "../call.js";
import { Refusal } from "../refusal.js";
import type { Mode, Sanitize, Verdict, Violation } from "../verdict.js";
import { maskInput } from "./mask.js";

/** What is known of a decision when it is recorded; a call can be refused before anything is. */
export interface RecordParts {
  decisionId: string;
  nowMs: number;
  latencyUs: number;
  traceId: string | null;
  request: HttpRequest | null;
  identity: Identity | null;
  call: Call | null;
  session: Session | null;
  fingerprint: string | null;
  evaluation: {
    policyVersion: string;
    input: { [name: string]: Json };
    result: Json;
    computed: { sanitize: readonly Sanitize[] };
  } | null;
  redeemed: { id: string; deploymentId: string; humans: DecisionRecord["human_approval"] } | null;
  computed: { verdict: Verdict; reason: string; violations: readonly Violation[]; approval?: { id: string } };
  enforced: { verdict: Verdict };
  mode: Mode;
}

/** Stage record: appends the signed record of the decision. Throws `audit_unavailable` when it could not be written. */
export async function record(parts: RecordParts, sink: AuditSink): Promise<void> {
  try {
    await sink.append(decisionRecord(parts));
  } catch (error) {
    throw new Refusal("audit_unavailable", "the decision could not be recorded", { cause: error });
  }
}

/** The record of a decision, with secrets masked. */
export function decisionRecord(parts: RecordParts): DecisionRecord {
  const { identity, call, session, evaluation, redeemed, computed, enforced } = parts;
  return {
    kind: "decision",
    decision_id: parts.decisionId,
    timestamp: new Date(parts.nowMs).toISOString(),
    deployment_id: redeemed?.deploymentId ?? call?.deployment_id ?? (call ? parts.decisionId : null),
    workflow_run_id: session?.workflow_run_id ?? null,
    session_id: session?.id ?? null,
    agent_id: identity?.agent.id ?? null,
    agent_model: identity?.agent.model ?? null,
    tool: call?.tool ?? null,
    action: call?.action ?? null,
    environment: call?.environment ?? null,
    service: call?.service ?? null,
    image_tag: call?.image_tag ?? null,
    fingerprint: parts.fingerprint,
    opa_decision: evaluation && {
      policy_version: evaluation.policyVersion,
      input: maskInput(evaluation.input, removedBy(evaluation.computed.sanitize)),
      result: evaluation.result,
    },
    session_attestation: session && { ...session },
    human_approval: redeemed?.humans ?? null,
    decision: computed.verdict,
    enforced: enforced.verdict,
    mode: parts.mode,
    reason: computed.reason,
    violations: computed.violations.map((violation) => ({ ...violation })) as Json,
    approval_id: redeemed?.id ?? computed.approval?.id ?? null,
    outcome: outcomeOf(enforced.verdict),
    latency_us: parts.latencyUs,
    trace_id: parts.traceId,
    request_id: parts.request?.id ?? null,
    token: identity?.token ?? null,
  };
}

function removedBy(changes: readonly Sanitize[]): { headers: Set<string>; query: Set<string> } {
  return {
    headers: new Set(changes.flatMap((change) => change.headers.remove)),
    query: new Set(changes.flatMap((change) => change.query.remove)),
  };
}

function outcomeOf(verdict: Verdict): string {
  if (verdict === "deny") return "denied";
  return verdict === "approval_needed" ? "pending" : "allowed";
}
