import type { SigningKey } from "../keys/keys.js";
import type { Runtime } from "../runtime.js";
import type { Store } from "../store/store.js";
import { type SignedAttestation, signAttestation } from "./sign.js";

/** Attestations of the sessions that the store remembers. Both methods throw `StoreUnavailable`. */
export interface SessionAttestations {
  /** Agents that have a session of this id. */
  agents(session: string): Promise<string[]>;
  /** `null` when nothing is remembered of the session. */
  attest(agent: string, session: string): Promise<SignedAttestation | null>;
}

export function sessionAttestations(parts: {
  store: Pick<Store, "look" | "sessionAgents">;
  key: SigningKey;
  /** `iss` of the attestations. */
  issuer: string;
  runtime: Pick<Runtime, "now" | "id">;
}): SessionAttestations {
  const { store, key, issuer, runtime } = parts;
  return {
    agents: (session) => store.sessionAgents(session),
    async attest(agent, session) {
      const { session: state } = await store.look({ agent, session, tool: null, learningMs: 0, approval: null });
      if (state === null) return null;
      return signAttestation(key, issuer, { agent, session, state }, { nowMs: runtime.now(), id: runtime.id() });
    },
  };
}
