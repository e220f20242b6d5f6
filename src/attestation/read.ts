import { Refusal } from "../refusal.js";
import type { OutsideAttestation, SessionFacts } from "../session.js";
import { type AttestationFields, attestationAudience, attestationFields, maxAttestationBytes } from "./fields.js";
import { verifyHmacJson } from "./hmac_json.js";
import { isCompact, type Verified, verifyJws } from "./jws.js";
import type { AttestationKey, OwnKey, Selected } from "./keys.js";
import { unfit, unverified } from "./refuse.js";

/** How far the clock of who signs may be ahead of ours. Age gets no grace. */
const skewMs = 5_000;

/** Whose attestations are believed, and for how long. */
export interface AttestationTrust {
  keys: readonly AttestationKey[];
  own: OwnKey;
  /** An attestation that is older is `attestation_expired`. */
  maxAgeMs: number;
}

/** What an attestation has to be about. */
export interface AttestationContext extends AttestationTrust {
  /** Id of the agent that brings it. */
  agent: string;
  /** Id of the session that its credential proves. */
  session: string;
  /** Milliseconds since the Unix epoch. */
  nowMs: number;
}

export interface ReadAttestation extends OutsideAttestation {
  /** Name of the key that it was verified with. */
  kid: string;
  /** True for one that this installation signed: it tells nothing that is not known here, so it fulfils no demand for one. */
  own: boolean;
}

/**
 * What the value of `x-session-attestation` proves about this agent's session. Both forms have the same fields; only the
 * signature differs. Throws `Refusal`: `attestation_expired` when it holds and is too old, `attestation_invalid` for
 * everything else. Whether a newer one was seen before is known only to the store.
 */
export function readAttestation(header: string, context: AttestationContext): ReadAttestation {
  const { members, by } = verified(header, context);
  const parsed = attestationFields.safeParse(members);
  if (!parsed.success) {
    const field = String(parsed.error.issues[0]?.path[0]);
    throw unfit(`the session attestation's ${field} is missing or malformed`, parsed.error);
  }
  const fields = parsed.data;
  checkSubject(fields, by, context);
  checkIssuer(members.iss, by, context.own);
  const signedAtMs = checkTimes(fields, context);
  return {
    signedAtMs,
    ...factsOf(fields),
    classification: [...new Set(fields.data_classification)].sort(),
    anomalies: fields.anomalies_detected,
    integrity: fields.session_integrity,
    facts: fields.facts ?? {},
    kid: by.kid,
    own: by.own,
  };
}

function verified(header: string, { keys, own }: AttestationContext): Verified {
  if (header.length > maxAttestationBytes) throw unverified(`it is longer than ${maxAttestationBytes} bytes`);
  return isCompact(header) ? verifyJws(header, keys, own) : verifyHmacJson(header, keys, own);
}

/** Sessions of different agents may have the same id; an attestation that names its agent is about that one only. */
function checkSubject(
  { session_id, agent_id, sub }: AttestationFields,
  by: Selected,
  context: AttestationContext,
): void {
  if (session_id !== context.session) throw unfit("the session attestation is about another session");
  const named = [agent_id, sub].filter((agent) => agent !== undefined);
  if (named.some((agent) => agent !== context.agent)) throw unfit("the session attestation is about another agent");
  if (by.own && named.length === 0) throw unfit("the session attestation names no agent");
}

function checkIssuer(iss: unknown, by: Selected, own: OwnKey): void {
  if (by.own && iss !== own.issuer) throw unfit("the session attestation comes from another issuer");
}

function checkTimes(fields: AttestationFields, { nowMs, maxAgeMs }: AttestationContext): number {
  const { aud, exp, nbf, signed_at } = fields;
  if (aud !== undefined && ![aud].flat().includes(attestationAudience)) {
    throw unfit("the session attestation is meant for another audience");
  }
  const signedAtMs = Date.parse(signed_at);
  if (signedAtMs > nowMs + skewMs) throw unfit("the session attestation was signed in the future");
  if (nbf !== undefined && nbf * 1000 > nowMs + skewMs) throw unfit("the session attestation is not valid yet");
  if (nowMs - signedAtMs > maxAgeMs || (exp !== undefined && exp * 1000 <= nowMs)) {
    throw new Refusal("attestation_expired", "the session attestation is too old");
  }
  return signedAtMs;
}

function factsOf({ workflow_run_id, initiated_by, role, clearance }: AttestationFields): SessionFacts {
  return {
    ...(workflow_run_id !== undefined && { workflow_run_id }),
    ...(initiated_by !== undefined && { initiated_by }),
    ...(role !== undefined && { role }),
    ...(clearance !== undefined && { clearance }),
  };
}
