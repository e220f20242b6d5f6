import { SignJWT } from "jose";
import type { Json } from "../call.js";
import { maxTokenBytes } from "../issuers/read_token.js";
import { present } from "../issuers/values.js";
import type { SigningKey } from "../keys/keys.js";
import type { Agent } from "../registry/registry.js";
import type { Task } from "../session.js";
import { agentClaims, agentTokenType } from "./claims.js";

/** What a new agent token says, and for how long. */
export interface TokenRequest {
  key: SigningKey;
  issuer: string;
  audience: string;
  agent: Pick<Agent, "id" | "model">;
  /** Rounded down to whole seconds; at least one second and at most `maxTtlMs`. */
  ttlMs: number;
  maxTtlMs: number;
  /** `tool:action` patterns separated by spaces; without it the token permits nothing. */
  scope?: string;
  session_id?: string;
  workflow_run_id?: string;
  initiated_by?: string;
  role?: string;
  clearance?: string;
  facts?: Readonly<Record<string, Json>>;
  /** What the session is for; a call outside is refused. */
  task?: Task;
  /** Milliseconds since the Unix epoch. */
  now: number;
  /** Becomes `jti`. */
  id: string;
}

/**
 * A signed agent token (RFC 9068). Throws `RangeError` for a lifetime out of bounds or a token that would be too long
 * to be accepted, and a `ZodError` for a value that no token may hold: what is issued here is accepted there.
 */
export async function issueToken(request: TokenRequest): Promise<string> {
  const { key, ttlMs, maxTtlMs } = request;
  if (!(ttlMs >= 1000 && ttlMs <= maxTtlMs)) {
    throw new RangeError(`the lifetime must be from 1s to ${maxTtlMs}ms`);
  }
  const claims = present(agentClaims.parse(claimsOf(request)));
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: key.alg, typ: agentTokenType, kid: key.kid })
    .sign(key.signKey);
  if (token.length > maxTokenBytes) throw new RangeError(`the token would be longer than ${maxTokenBytes} bytes`);
  return token;
}

function claimsOf(request: TokenRequest): object {
  const { scope, session_id, workflow_run_id, initiated_by, role, clearance, facts, task, agent } = request;
  const iat = Math.floor(request.now / 1000);
  return present({
    iss: request.issuer,
    sub: agent.id,
    aud: request.audience,
    iat,
    exp: iat + Math.floor(request.ttlMs / 1000),
    jti: request.id,
    scope,
    session_id,
    workflow_run_id,
    initiated_by,
    role,
    clearance,
    agent_model: agent.model,
    facts,
    task,
  });
}
