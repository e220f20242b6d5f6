import { isDeepStrictEqual } from "node:util";
import type { Attested, Recalled } from "../attest/index.js";
import type { Call, HttpRequest, Identity, Session } from "../call.js";
import type { Evaluation } from "../evaluate/index.js";
import type { Outcome } from "../outcome.js";
import type { AgentDocument } from "../policies/document.js";
import type { Masker, RecordParts } from "../record/index.js";
import type { Proven } from "../refusal.js";
import type { RecordedSession, SessionAttestation, SessionState } from "../session.js";
import { viewOf } from "../sessions/view.js";
import { factsOf as sessionFacts } from "../sessions/who.js";
import type { SessionTerms, Settlement } from "../settle/index.js";
import type { DecisionFacts } from "../telemetry/facts.js";
import type { SlowStage } from "../telemetry/stages.js";
import type { InForce } from "../workspace/workspace.js";

/** What is known of a decision so far. It can end at any stage, so everything may be missing. */
export interface Trail {
  decisionId: string;
  startedUs: number;
  /** The files in force when the call was judged. */
  workspace: InForce;
  request: HttpRequest | undefined;
  identity: Identity | undefined;
  session: Session | undefined;
  /** What the policies in force say for the agent. */
  document: AgentDocument | undefined;
  call: Call | undefined;
  attested: Attested | undefined;
  recalled: Recalled | undefined;
  evaluation: Evaluation | undefined;
  settlement: Settlement | undefined;
  /** The session before a call that was noted and not settled. */
  before?: SessionState | null | undefined;
  /** Of a caller who was refused by the credential that proves it. */
  proven?: Proven;
  /** The session knows of the call. */
  observed?: boolean;
  /** The approval that people were asked for. */
  opened?: { id: string; expiresAtMs: number };
  /** Why a stage failed, for the log. */
  failures: unknown[];
  /** Stages that took long. */
  slow: SlowStage[];
}

/** A decision of which nothing is known yet. All that is learned of nearly every call has its place from the start. */
export function begun(decisionId: string, startedUs: number, workspace: InForce): Trail {
  return {
    decisionId,
    startedUs,
    workspace,
    request: undefined,
    identity: undefined,
    session: undefined,
    document: undefined,
    call: undefined,
    attested: undefined,
    recalled: undefined,
    evaluation: undefined,
    settlement: undefined,
    failures: [],
    slow: [],
  };
}

/** Words of the call as everybody may read them: in logs, traces and Envoy's metadata. */
export type Shown = Pick<DecisionFacts, "action" | "environment" | "http">;

/** Nothing of what cannot be masked. */
export function shownOf(trail: Trail, mask: Masker): Shown {
  const shown = (text: string | null | undefined) => (typeof text === "string" ? mask.text(text) : null);
  try {
    const { action, environment } = trail.call ?? {};
    return { action: shown(action), environment: shown(environment), http: placeOf(trail, shown) };
  } catch (error) {
    trail.failures.push(error);
    return { action: null, environment: null, http: null };
  }
}

/** Where an HTTP call was to go, once it has one reading. */
function placeOf({ call, request }: Trail, shown: (text: string) => string | null): Shown["http"] {
  if (!call || !request || call.http.method === "") return null;
  const { host, port } = call.destination;
  return { method: call.http.method, host: shown(host) ?? "", port };
}

/** How much of the agent's daily budget is used up after the call, where the store said so. */
function dailyBudgetOf({ document, settlement }: Trail): DecisionFacts["dailyBudget"] {
  const counters = settlement?.counters;
  if (!document || !counters) return null;
  const { enforced } = document.limits;
  const most = enforced?.daily_budget_micro;
  return most ? { day: counters.day, used: counters.spentMicro / most } : null;
}

/** What a session is to remember of the call. */
export function seenOf({ call, recalled, evaluation }: Trail, session: Session, terms: SessionTerms) {
  return {
    session,
    call: call ?? null,
    indicators: recalled?.indicators ?? [],
    outside: recalled?.outside ?? null,
    tags: evaluation?.tags ?? [],
    terms,
  };
}

/** With what the token and the attestation vouch for; where they contradict each other, neither does. */
export function vouchedBy(identity: Identity, { outside }: Recalled): Identity {
  if (!outside) return identity;
  const { facts } = identity;
  const said = outside.facts;
  const agreed = Object.entries({ ...said, ...facts }).filter(
    ([name, value]) => !Object.hasOwn(said, name) || isDeepStrictEqual(said[name], value),
  );
  return { ...identity, facts: Object.fromEntries(agreed) };
}

/** The session as it was judged, or as it was found where no policy asked; `null` before anybody is known. */
export function attestationOf(trail: Trail): RecordedSession | null {
  const { identity, session, recalled } = trail;
  if (!identity || !session) return null;
  const agent = identity.agent.id;
  const { bound } = session;
  if (recalled?.observed) return recorded(recalled.observed.attestation, bound);
  const state = beforeOf(trail);
  if (state === undefined) return { agent_id: agent, session_id: session.id, ...sessionFacts(session), bound };
  const found = { agent, session, state, newTool: false, outside: null, indicators: recalled?.indicators ?? [] };
  return recorded(viewOf(found).attestation, bound);
}

/** In the order in which it is written; what the attestation lacks is not written. */
function recorded(attestation: SessionAttestation, bound: boolean): RecordedSession {
  const { agent_id, anomalies_detected, clearance, data_classification, initiated_by, role } = attestation;
  const { session_id, session_integrity, workflow_run_id } = attestation;
  return {
    agent_id,
    anomalies_detected,
    bound,
    clearance,
    data_classification,
    initiated_by,
    role,
    session_id,
    session_integrity,
    workflow_run_id,
  } as RecordedSession;
}

/** The session before the call; `null` when nothing is remembered of it, `undefined` when nobody could tell. */
function beforeOf({ recalled, settlement, before }: Trail): SessionState | null | undefined {
  if (recalled?.observed) return recalled.state;
  return settlement?.before === undefined ? before : settlement.before;
}

/** Of nearly every call. */
const nothingWrong: RecordParts["anomalies"] = { before: [], found: [] };

/** Anomalies before a call that its record has: the newest. */
const mostBefore = 5;

/** What went wrong in the session, in this call and before; `null` when nothing is known of it. */
export function anomaliesOf(trail: Trail): RecordParts["anomalies"] {
  const { recalled } = trail;
  const before = beforeOf(trail);
  if (!recalled && before === undefined) return null;
  const earlier = before?.recent ?? [];
  if (earlier.length === 0 && !recalled?.newTool && (recalled?.indicators ?? []).length === 0) return nothingWrong;
  const found = (recalled?.indicators ?? []).map((reason) => ({
    reason,
    ...(reason === "prompt_injection" && recalled?.marker),
  }));
  return {
    found: [...found, ...(recalled?.newTool ? [{ reason: "new_tool" }] : [])],
    before: earlier
      .slice(-mostBefore)
      .map(({ atMs, reason, detail }) => ({ at: new Date(atMs).toISOString(), reason, detail })),
  };
}

const noRules: readonly string[] = Object.freeze([]);

/** What operators learn of a decision. */
export function factsOf(
  trail: Trail,
  shown: Shown,
  { computed, enforced, mode }: Outcome,
  latencyUs: number,
): DecisionFacts {
  return {
    decisionId: trail.decisionId,
    agentId: trail.identity?.agent.id ?? trail.proven?.agent ?? null,
    sessionId: trail.session?.id ?? null,
    tool: trail.call?.tool ?? null,
    action: shown.action,
    environment: shown.environment,
    http: shown.http,
    decision: computed.verdict,
    enforced: enforced.verdict,
    reason: computed.reason,
    rules: computed.violations.length === 0 ? noRules : computed.violations.map(({ rule }) => rule),
    mode,
    policyVersion: trail.workspace.policies.version,
    latencyUs,
    startedUs: trail.startedUs,
    slow: trail.slow,
    dailyBudget: dailyBudgetOf(trail),
    failures: trail.failures,
  };
}
