import type { AuditSink, DecisionRecord } from "../audit/record.js";
import type { Call, HttpRequest, Identity, Json } from "../call.js";
import { isoTime } from "../iso_time.js";
import { type Proven, Refusal } from "../refusal.js";
import type { RecordedSession } from "../session.js";
import type { Mode, Verdict, Violation } from "../verdict.js";
import { maskInput } from "./input.js";
import type { Masker } from "./mask.js";
import { maskResult, maskViolation } from "./violation.js";

export { createMasker, type Masker } from "./mask.js";

/** Of host and path, in characters; longer ones are never allowed and need not be whole. */
const longestShown = 512;

/** What is known of a decision when it is recorded; a call can be refused before anything is. */
export interface RecordParts {
  decisionId: string;
  nowMs: number;
  latencyUs: number;
  traceId: string | null;
  request: HttpRequest | null;
  identity: Identity | null;
  call: Call | null;
  /** What is known of the session, and whether a token binds it. */
  session: RecordedSession | null;
  anomalies: DecisionRecord["anomalies"];
  /** Of a caller who was refused by the credential that proves it. */
  proven: Proven | null;
  fingerprint: string | null;
  evaluation: { policyVersion: string; input: { [name: string]: Json }; result: Json; tags: readonly string[] } | null;
  redeemed: { id: string; deploymentId: string; humans: DecisionRecord["human_approval"] } | null;
  computed: { verdict: Verdict; reason: string; violations: readonly Violation[]; approval?: { id: string } };
  enforced: { verdict: Verdict };
  mode: Mode;
  /** Settled without the store. */
  local?: true | undefined;
  /** Of this very call. */
  mask: Masker;
}

/** Stage record: appends the signed record of the decision. Throws `audit_unavailable` when it could not be written. */
export function record(parts: RecordParts, sink: AuditSink): Promise<void> {
  try {
    // Half the work of an async function that awaits it.
    return sink.append(decisionRecord(parts)).catch(unavailable);
  } catch (error) {
    return Promise.reject(error).catch(unavailable);
  }
}

function unavailable(cause: unknown): never {
  throw new Refusal("audit_unavailable", "the decision could not be recorded", { cause });
}

/** The record of a decision, with all that the call says masked. */
export function decisionRecord(parts: RecordParts): DecisionRecord {
  const { identity, call, session, evaluation, redeemed, computed, enforced, mask } = parts;
  const shown = (text: string | null | undefined) => (typeof text === "string" ? mask.text(text) : null);
  // In the order in which it is written, and one object from the start: it is signed in half the time of one that is not.
  const whole: DecisionRecord = {
    action: shown(call?.action),
    agent_id: identity?.agent.id ?? parts.proven?.agent ?? null,
    agent_model: identity?.agent.model ?? null,
    anomalies: parts.anomalies && maskAnomalies(parts.anomalies, mask),
    approval_id: redeemed?.id ?? computed.approval?.id ?? null,
    data_classification: call && { tags: sorted(evaluation?.tags ?? nothing), tool: call.classification },
    decision: computed.verdict,
    decision_id: parts.decisionId,
    deployment_id: shown(redeemed?.deploymentId ?? call?.deployment_id) ?? (call ? parts.decisionId : null),
    enforced: enforced.verdict,
    environment: shown(call?.environment),
    fingerprint: parts.fingerprint,
    http: parts.request && lineOf(parts.request, mask),
    human_approval: redeemed?.humans ?? null,
    image_tag: shown(call?.image_tag),
    kind: "decision",
    latency_us: parts.latencyUs,
    mode: parts.mode,
    opa_decision: evaluation && {
      input: maskInput(evaluation.input, mask),
      policy_version: evaluation.policyVersion,
      result: maskResult(evaluation.result, mask),
    },
    outcome: outcomeOf(enforced.verdict),
    reason: computed.reason,
    request_id: parts.request?.id ?? null,
    service: shown(call?.service),
    session_attestation: session as unknown as Json,
    session_id: session?.session_id ?? null,
    timestamp: isoTime(parts.nowMs),
    token: identity?.token ?? parts.proven?.token ?? null,
    tool: call?.tool ?? null,
    trace_id: parts.traceId,
    violations: shownViolations(computed.violations, mask),
    workflow_run_id: session?.workflow_run_id ?? null,
  };
  if (parts.local) whole.local = true;
  return whole;
}

/** Of nearly every call. */
const nothing: readonly never[] = Object.freeze([]);

function sorted(tags: readonly string[]): readonly string[] {
  return tags.length < 2 ? tags : [...tags].sort();
}

function shownViolations(found: readonly Violation[], mask: Masker): Json {
  if (found.length === 0) return nothing as unknown as Json;
  return found.map((one) => maskViolation({ ...one } as { [name: string]: Json }, mask));
}

/** What was asked for, also of a call that was refused before it was understood. The query may hold secrets. */
function lineOf({ method, authority, target }: HttpRequest, mask: Masker): DecisionRecord["http"] {
  const query = target.indexOf("?");
  const path = mask.path(query < 0 ? target : target.slice(0, query));
  return { host: mask.quoted(mask.host(authority)).slice(0, longestShown), method, path: path.slice(0, longestShown) };
}

/** Names of parameters and of actions are the agent's words. */
function maskAnomalies(
  { found, before }: NonNullable<DecisionRecord["anomalies"]>,
  mask: Masker,
): DecisionRecord["anomalies"] {
  if (found.length === 0 && before.length === 0) return { before, found };
  return {
    found: found.map((one) => ({ ...one, ...(one.where !== undefined && { where: mask.text(one.where) }) })),
    before: before.map((one) => ({ ...one, detail: mask.text(one.detail) })),
  };
}

function outcomeOf(verdict: Verdict): string {
  if (verdict === "deny") return "denied";
  return verdict === "approval_needed" ? "pending" : "allowed";
}
