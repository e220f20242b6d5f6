import type { AuditSink } from "../audit/record.js";
import type { AgentClaims } from "../identify/claims.js";
import type { IssuerVerifier } from "../identify/local_issuer.js";
import { present } from "../issuers/values.js";
import { Refusal } from "../refusal.js";
import type { Runtime } from "../runtime.js";
import type { SharedRegistry } from "../store/shared_registry.js";
import type { Client } from "./client.js";
import { OAuthError } from "./error.js";

/**
 * RFC 7009: ends a token of ours. Who holds one may end it; what is no token of ours, or has expired, needs no end
 * (section 2.2). Throws `OAuthError` `invalid_grant` when the client that asks is another than that of the token.
 */
export async function revoke(
  token: string,
  client: Client | null,
  deps: {
    verifier: IssuerVerifier;
    registryStore: SharedRegistry;
    audit: AuditSink;
    runtime: Pick<Runtime, "now">;
  },
): Promise<void> {
  const nowMs = deps.runtime.now();
  const claims = await held(token, deps.verifier, nowMs);
  if (!claims) return;
  const { jti, exp, sub, session_id } = claims;
  if (client && client.id !== sub) throw new OAuthError("invalid_grant", "the token belongs to another client");
  // The end first: a token that leaked must not live on because its end cannot be recorded.
  await deps.registryStore.revoke({ jti, expiresAtMs: Math.ceil(exp * 1000) });
  await deps.audit.append({
    kind: "admin",
    timestamp: new Date(nowMs).toISOString(),
    act: "token_revoked",
    by: `agent:${sub}`,
    agent_id: sub,
    detail: present({ jti, exp, session_id }),
  });
}

async function held(token: string, verifier: IssuerVerifier, nowMs: number): Promise<AgentClaims | null> {
  try {
    return await verifier.verify(token, nowMs);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
