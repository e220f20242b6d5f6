import type { Json } from "../call.js";
import type { TokenClaims } from "../token_claims.js";
import type { Mode, Verdict } from "../verdict.js";

/** Fields every audit record has, whatever its kind. The writer fills them in. */
export interface Envelope {
  /** 1 for the writer's first record, then without a gap, across segments and restarts. */
  seq: number;
  /** `sha256:<hex>` of the previous line's bytes without the newline; `null` for the first. */
  prev: string | null;
  /** Persistent id per directory and worker. */
  writer: string;
  signature: { alg: "HS256" | "EdDSA"; kid: string; value: string };
}

/** The record of one decision. Absent knowledge is `null`. */
export interface DecisionRecord {
  kind: "decision";
  decision_id: string;
  timestamp: string;
  deployment_id: string | null;
  workflow_run_id: string | null;
  session_id: string | null;
  agent_id: string | null;
  agent_model: string | null;
  tool: string | null;
  action: string | null;
  environment: string | null;
  service: string | null;
  image_tag: string | null;
  /** Fingerprint of the call, when it was decoded. */
  fingerprint: string | null;
  opa_decision: { policy_version: string; input: Json; result: Json } | null;
  session_attestation: Json;
  /**
   * What data this very call is about: `tool` is what the catalogue says that its tool exposes, `tags` what policies make of
   * hits of detectors in it. `null` when it was refused before it was understood, and of refusals that were counted together.
   */
  data_classification: { tool: readonly string[]; tags: readonly string[] } | null;
  /**
   * What went wrong in the session: found in this call, and the newest anomalies before it, oldest first. `null` when
   * nothing is known of the session.
   */
  anomalies: {
    found: { reason: string; marker?: string; where?: string }[];
    before: { at: string; reason: string; detail: string }[];
  } | null;
  human_approval: { approver: string; timestamp: string; approval_id: string }[] | null;
  /** Computed verdict. */
  decision: Verdict;
  /** What the call was answered. */
  enforced: Verdict;
  /**
   * This record stands for so many refusals of one agent (or of callers whom nobody knows) that were alike, instead of a
   * record of each: a flood of refusals is counted. What differed among them is `null`, `decision_id` and `timestamp` are the
   * last one's, and `latency_us` is their mean.
   */
  aggregated?: {
    count: number;
    from: string;
    to: string;
    /** Up to eight different calls among them, those that came first. */
    calls: CountedCall[];
    /** How many of the refusals were of further calls. */
    others: number;
  };
  /** The store was away: limits were counted by this process alone, with its share of them. */
  local?: true;
  mode: Mode;
  reason: string;
  violations: Json;
  /** Approval opened or redeemed by this call. */
  approval_id: string | null;
  /** `allowed`, `denied` or `pending` as answered; the upstream's result is a later record of kind outcome. */
  outcome: string;
  latency_us: number;
  trace_id: string | null;
  request_id: string | null;
  /** Request line without the query, at most 512 characters of each. */
  http: { method: string; host: string; path: string } | null;
  token: TokenClaims | null;
}

/** One of the calls that a record of many refusals stands for; `null` is what the record of the call had, or too long. */
export interface CountedCall {
  action: string | null;
  environment: string | null;
  path: string | null;
  count: number;
}

/** What became of a call that was let through, as Envoy saw it. */
export interface OutcomeRecord {
  kind: "outcome";
  /** When Envoy told of it, RFC 3339 in UTC. */
  timestamp: string;
  /** The decision that let the call through. */
  decision_id: string;
  /** These are the decision's; `null` when this process did not take it. */
  deployment_id: string | null;
  session_id: string | null;
  agent_id: string | null;
  tool: string | null;
  action: string | null;
  environment: string | null;
  service: string | null;
  request_id: string | null;
  /**
   * `succeeded`: a whole answer with a status below 400; `failed`: 400 or above, or an answer that broke off; `unreached`: no
   * answer of the upstream was seen.
   */
  outcome: "succeeded" | "failed" | "unreached";
  /** HTTP status of the upstream's answer, 100 to 599; `null` = none. */
  status: number | null;
  /** Envoy's response flags, in the short form of its access log, such as `UF` or `DC`. */
  flags: string[];
  /** From Envoy's receiving the call to the last byte of the answer, in microseconds; `null` = not told. */
  duration_us: number | null;
  /** Address of the upstream, `host:port`; `null` = none was connected to. */
  upstream: string | null;
}

/** A human answer to an approval. */
export interface ApprovalRecord {
  kind: "approval";
  timestamp: string;
  approval_id: string;
  agent_id: string;
  session_id: string;
  deployment_id: string;
  fingerprint: string;
  approver: string;
  /** `revoke` takes back an approval that is not used yet. */
  decision: "approve" | "deny" | "revoke";
  comment: string | null;
  /**
   * What the answer leads to. `recorded`: the quorum is not reached. `void`: it had no effect, since another answer or
   * the expiry came first; this record then corrects the one before it.
   */
  outcome: "approved" | "denied" | "recorded" | "revoked" | "void";
  proof: string;
}

/** A policy set that started to serve (of the files, by a roll-back, or by the end of one), or was refused. */
export interface PolicyRecord {
  kind: "policy";
  timestamp: string;
  event: "loaded" | "rolled_back" | "released" | "refused";
  policy_version: string | null;
  previous_version: string | null;
  files: string[];
  /** Why it was refused, or the reason that was given for a roll-back or its end. */
  detail: string | null;
  /** Who asked for a roll-back or its end; absent elsewhere. */
  by?: string;
}

/** What a record of kind `admin` tells of. */
export const adminActs = [
  "agent_created",
  "agent_disabled",
  "agent_enabled",
  "agent_key_rotated",
  "token_issued",
  "token_revoked",
  "audit_key_changed",
  "log_level_changed",
] as const;

/** Something that changes who may do what, or gives somebody a token. */
export interface AdminRecord {
  kind: "admin";
  timestamp: string;
  act: (typeof adminActs)[number];
  /** Id of the person, `agent:<id>`, `<issuer> <subject>` of an exchanged token, or `operator`: who starts the server. */
  by: string;
  /** The agent that it is about; `null` when it is about none. */
  agent_id: string | null;
  /** Nothing that proves anything: of a token its `jti` and its claims. */
  detail: { [name: string]: Json };
}

/** What stages and services hand to the sink; the envelope is the writer's. */
export type RecordDraft = DecisionRecord | OutcomeRecord | ApprovalRecord | PolicyRecord | AdminRecord;

/** Where records go. `append` resolves only when the record is where `durability` says it must be. */
export interface AuditSink {
  /** Throws `AuditUnavailable` when the record could not be written; the chain is then as it was. */
  append(draft: RecordDraft): Promise<void>;
  /** `null` when the last write succeeded, else what is wrong, in words for the operator. */
  trouble(): string | null;
  close(): Promise<void>;
}

/** The record could not be written. */
export class AuditUnavailable extends Error {
  override readonly name = "AuditUnavailable";
}
