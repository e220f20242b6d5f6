import type { SigningKey } from "../keys/keys.js";
import type { SessionAttestation, SessionState } from "../session.js";
import { viewOf } from "../sessions/view.js";
import { type AttestationFields, attestationAudience, maxAttestationBytes } from "./fields.js";
import { signHmacJson } from "./hmac_json.js";
import { signJws } from "./jws.js";

/** An attestation as it is given out. */
export interface SignedAttestation extends SessionAttestation {
  /** RFC 3339 UTC. */
  signed_at: string;
  /** Compact JWS whose payload has the same fields; by itself it is a value for `x-session-attestation`. */
  signature: string;
}

/** Of which session, and what is remembered of it. */
interface AttestedSession {
  agent: string;
  session: string;
  state: SessionState;
}

/**
 * What Countersign says of a session, signed. Beside the fields the JWS has `iss`, `aud`, `sub` (the agent), `iat` and
 * `jti`. `id` becomes `jti`; `nowMs` is in milliseconds since the Unix epoch.
 */
export function signAttestation(
  key: SigningKey,
  issuer: string,
  { agent, session, state }: AttestedSession,
  { nowMs, id }: { nowMs: number; id: string },
): SignedAttestation {
  const fields = {
    ...observed(agent, session, state),
    signed_at: new Date(nowMs).toISOString(),
  };
  const registered = { iss: issuer, aud: attestationAudience, sub: agent, iat: Math.floor(nowMs / 1000), jti: id };
  return { ...fields, signature: signJws(key, { ...registered, ...fields }) };
}

/** As policies see it, between two calls. */
function observed(agent: string, id: string, state: SessionState): SessionAttestation {
  const session = { id, bound: true, ...state.known };
  return viewOf({ agent, session, state, indicators: [], newTool: false, outside: null }).attestation;
}

/**
 * What an observer says of a session, as a value for `x-session-attestation`: JSON with an HMAC under a secret, a compact
 * JWS under any other key. `id` becomes `jti`; `kid` is the name of the key with who checks. Throws `RangeError` when it
 * would be too long to be read.
 */
export function signForHeader(
  key: SigningKey,
  fields: AttestationFields,
  { id, kid }: { id: string; kid: string },
): string {
  const iat = Math.floor(Date.parse(fields.signed_at) / 1000);
  const subject = fields.agent_id === undefined ? {} : { sub: fields.agent_id };
  const header =
    key.alg === "HS256"
      ? signHmacJson(key, fields, kid)
      : signJws(key, { aud: attestationAudience, ...subject, iat, jti: id, ...fields }, kid);
  if (header.length <= maxAttestationBytes) return header;
  throw new RangeError(`the attestation would be longer than ${maxAttestationBytes} bytes`);
}
