import type { Session } from "../call.js";
import {
  type Indicator,
  integrities,
  type ObservedSession,
  type OutsideAttestation,
  type SessionAttestation,
  type SessionFacts,
  type SessionState,
} from "../session.js";
import { integrityOf } from "./integrity.js";
import { factsOf } from "./who.js";

/** What is known when a call is judged. */
export interface Known {
  agent: string;
  session: Session;
  /** `null` when nothing is remembered of the session. */
  state: SessionState | null;
  /** Found in this very call. */
  indicators: readonly Indicator[];
  newTool: boolean;
  /** Verified, and not older than one that was seen before. */
  outside: OutsideAttestation | null;
}

/** What policies see of a session: what it did, this call's own indicators, and what others attest. */
export function viewOf(known: Known): { session: ObservedSession; attestation: SessionAttestation } {
  const { agent, session, state, indicators, newTool, outside } = known;
  const integrity = integrityOf({
    indicators: counted(state?.indicators ?? none, indicators),
    outside: worseOf(state?.outside ?? null, outside),
  });
  const anomalies = (state?.anomalies ?? 0) + indicators.length + Number(newTool);
  const classification = union(state?.classification ?? nothing, outside?.classification ?? nothing);
  return {
    session: {
      data_classification: classification,
      integrity,
      anomalies,
      tools: state?.tools ?? [],
      calls: state?.calls ?? 0,
      passed: state?.passed ?? 0,
      refused: state?.refused ?? 0,
    },
    attestation: attestationOf(agent, session.id, outside === null ? factsOf(session) : together(session, outside), {
      data_classification: classification,
      anomalies_detected: anomalies > 0 || outside?.anomalies === true || state?.outside?.anomalies === true,
      session_integrity: integrity,
    }),
  };
}

const nothing: readonly string[] = [];
const none: SessionState["indicators"] = {};

/** What the session has is sorted already, and most calls bring nothing. */
function union(known: readonly string[], more: readonly string[]): readonly string[] {
  return more.length === 0 ? known : [...new Set([...known, ...more])].sort();
}

type Judged = Pick<SessionAttestation, "data_classification" | "anomalies_detected" | "session_integrity">;

/** Most tokens prove no facts: then it has the members that it always has, written at once. */
function attestationOf(agent: string, session: string, facts: SessionFacts, judged: Judged): SessionAttestation {
  const { data_classification, anomalies_detected, session_integrity } = judged;
  if (isEmpty(facts)) {
    return { agent_id: agent, session_id: session, data_classification, anomalies_detected, session_integrity };
  }
  return { agent_id: agent, session_id: session, ...facts, ...judged };
}

function isEmpty({ workflow_run_id, initiated_by, role, clearance }: SessionFacts): boolean {
  return workflow_run_id === undefined && initiated_by === undefined && role === undefined && clearance === undefined;
}

/** Two that contradict each other prove nothing. */
function together(session: Session, outside: OutsideAttestation): SessionFacts {
  const own = factsOf(session);
  const said = factsOf(outside);
  const names = ["workflow_run_id", "initiated_by", "role", "clearance"] as const;
  const agreed = names.filter(
    (name) => own[name] === undefined || said[name] === undefined || own[name] === said[name],
  );
  return Object.fromEntries(
    agreed.flatMap((name) => {
      const value = own[name] ?? said[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function counted(known: SessionState["indicators"], more: readonly Indicator[]): SessionState["indicators"] {
  if (more.length === 0) return known;
  const counts = { ...known };
  for (const indicator of more) counts[indicator] = (counts[indicator] ?? 0) + 1;
  return counts;
}

function worseOf(seen: SessionState["outside"], said: OutsideAttestation | null): SessionState["outside"] {
  if (said === null) return seen;
  const worst = Math.max(integrities.indexOf(said.integrity), seen ? integrities.indexOf(seen.integrity) : 0);
  return { seenMs: said.signedAtMs, integrity: integrities[worst] ?? "compromised", anomalies: said.anomalies };
}
