import type { Json } from "./value.js";

/** What can be said of a session's behaviour, from the best to the worst. */
export const integrities = ["clean", "suspect", "compromised"] as const;
export type Integrity = (typeof integrities)[number];

/** Signs that an agent is not doing what it was started for. Each adds an anomaly and lowers the integrity. */
export const indicators = [
  "scope_exceeded",
  "outside_task",
  "unknown_tool",
  "denied_burst",
  "prompt_injection",
  "attestation_invalid",
] as const;
export type Indicator = (typeof indicators)[number];

/** Something that should not have happened in a session. */
export interface Anomaly {
  /** Milliseconds since the Unix epoch, by the store's clock. */
  atMs: number;
  /** An indicator, `new_tool`, or the reason of a refused call. */
  reason: string;
  /** `tool:action`, or where a marker was found. */
  detail: string;
}

/** Who is behind a session, as far as its token proves it. */
export interface SessionFacts {
  workflow_run_id?: string;
  initiated_by?: string;
  role?: string;
  clearance?: string;
}

/** What Countersign has seen of one session, its refused calls included. */
export interface SessionState {
  /** As the token of the latest call proved. */
  known: SessionFacts;
  startedMs: number;
  lastMs: number;
  /** Decided calls. `passed` were let through, `refused` were not; the rest waited for people. */
  calls: number;
  passed: number;
  refused: number;
  /** Classifications of the data that the session has had access to. Sorted. */
  classification: readonly string[];
  /** Tools whose calls were let through. Sorted. */
  tools: readonly string[];
  indicators: Readonly<Partial<Record<Indicator, number>>>;
  /** All anomalies there were; `recent` has the newest of them, oldest first. */
  anomalies: number;
  recent: readonly Anomaly[];
  /** The worst that verified attestations of others said, and the newest `signed_at` among them. */
  outside: { seenMs: number; integrity: Integrity; anomalies: boolean } | null;
}

/** What a session is for, fixed when its token was made. Each member lists what a call may name; absent = not fixed. */
export interface Task {
  service?: readonly string[];
  environment?: readonly string[];
  image?: readonly string[];
}

/**
 * What a verified attestation of another governance layer says. Fields that it does not have are absent.
 * The names on the wire are those of the seeds: `data_classification`, `session_integrity`, ...
 */
export interface OutsideAttestation extends SessionFacts {
  signedAtMs: number;
  classification: readonly string[];
  anomalies: boolean;
  integrity: Integrity;
  facts: Readonly<Record<string, Json>>;
}

/** What policies see of a session's history, beside what its token proves (`input.session`). */
export interface ObservedSession {
  data_classification: readonly string[];
  integrity: Integrity;
  /** Anomalies so far, those of this very call included. */
  anomalies: number;
  tools: readonly string[];
  calls: number;
  passed: number;
  refused: number;
}

/**
 * The session attestation that policies see (`input.session_attestation`), with the seeds' names: our own observation
 * together with what verified attestations of others say, the worse value of each field.
 */
export interface SessionAttestation extends SessionFacts {
  agent_id: string;
  session_id: string;
  data_classification: readonly string[];
  anomalies_detected: boolean;
  session_integrity: Integrity;
}

/** What a record says of the session, and whether a token binds it; without what it did where nobody could tell. */
export type RecordedSession = Partial<SessionAttestation> &
  Pick<SessionAttestation, "agent_id" | "session_id"> & { bound: boolean };
