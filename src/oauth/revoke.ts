import type { AuditSink } from "../audit/record.js";
import type { AgentClaims } from "../identify/claims.js";
import type { IssuerVerifier } from "../identify/local_issuer.js";
import { present } from "../issuers/values.js";
import { Refusal } from "../refusal.js";
import type { Runtime } from "../runtime.js";
import { ExpiringMap } from "../store/expiring_map.js";
import type { SharedRegistry } from "../store/shared_registry.js";
import type { Client } from "./client.js";
import { OAuthError } from "./error.js";

interface RevokeDeps {
  verifier: IssuerVerifier;
  registryStore: SharedRegistry;
  audit: AuditSink;
  runtime: Pick<Runtime, "now">;
}

/** Ends a token that a client sends; `null` for a client that says nothing of itself. */
type Revoke = (token: string, client: Client | null) => Promise<void>;

/**
 * RFC 7009: ends tokens of ours. Who holds one may end it; what is no token of ours, or has expired, needs no end
 * (section 2.2). The end of a token is recorded once, however often it is asked for: what was recorded is remembered until the
 * token expires. Throws `OAuthError` `invalid_grant` when the client that asks is another than that of the token.
 */
export function revoker({ verifier, registryStore, audit, runtime }: RevokeDeps): Revoke {
  const records = new ExpiringMap<string, Promise<void>>();

  /** Who asks meanwhile waits for the same record, and whoever asks after it has failed writes it. */
  function recordOnce({ jti, exp, sub, session_id }: AgentClaims, nowMs: number): Promise<void> {
    const known = records.get(jti, nowMs);
    if (known) return known;
    const timestamp = new Date(nowMs).toISOString();
    const detail = present({ jti, exp, session_id });
    const recorded = audit
      .append({ kind: "admin", timestamp, act: "token_revoked", by: `agent:${sub}`, agent_id: sub, detail })
      .catch((error: unknown) => {
        records.delete(jti);
        throw error;
      });
    records.set(jti, recorded, exp * 1000, nowMs);
    return recorded;
  }

  return async (token, client) => {
    const nowMs = runtime.now();
    const claims = await held(token, verifier, nowMs);
    if (!claims) return;
    if (client && client.id !== claims.sub) {
      throw new OAuthError("invalid_grant", "the token belongs to another client");
    }
    // The end first: a token that leaked must not live on because its end cannot be recorded.
    await registryStore.revoke({ jti: claims.jti, expiresAtMs: Math.ceil(claims.exp * 1000) });
    await recordOnce(claims, nowMs);
  };
}

async function held(token: string, verifier: IssuerVerifier, nowMs: number): Promise<AgentClaims | null> {
  try {
    return await verifier.verify(token, nowMs);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
