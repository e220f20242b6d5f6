import { ZodError } from "zod";
import type { AdminRecord, AuditSink } from "../audit/record.js";
import type { Json } from "../call.js";
import { issueToken, type TokenRequest } from "../identify/issue.js";
import { present } from "../issuers/values.js";
import type { SigningKey } from "../keys/keys.js";
import type { Runtime } from "../runtime.js";
import type { Task } from "../session.js";
import type { SharedRegistry } from "../store/shared_registry.js";
import { OAuthError } from "./error.js";
import type { Form } from "./form.js";
import type { Granted } from "./granted.js";
import { pinnedTask } from "./pin.js";
import { grantedScopes } from "./scope.js";
import { askedTask, narrowed, taskType } from "./task.js";

/** What tokens are made with. Durations in milliseconds. */
export interface IssueDeps {
  issuer: { url: string; audience: string; ttlMs: number; maxTtlMs: number; key: SigningKey };
  registryStore: SharedRegistry;
  sessionTtlMs: number;
  audit: AuditSink;
  runtime: Pick<Runtime, "now" | "id">;
}

/** RFC 6749 section 5.1, RFC 8693 section 2.2.1, RFC 9396 section 7. */
export interface TokenAnswer {
  access_token: string;
  token_type: "Bearer";
  /** Seconds. */
  expires_in: number;
  scope: string;
  session_id?: string;
  issued_token_type?: string;
  authorization_details?: Json;
}

/** Makes the token that was granted, in the scope and for the task that is asked for. It is recorded first. */
export async function issue(granted: Granted, form: Form, deps: IssueDeps): Promise<TokenAnswer> {
  const { issuer, runtime } = deps;
  const { agent, session, facts } = granted;
  const scope = grantedScopes(agent, granted.scopes, form.get("scope")).join(" ");
  const asked = askedTask(form.get("authorization_details"));
  const wanted = narrowed(session.task ?? null, asked);
  const task = await pinnedTask({ granted, asked, wanted }, deps);

  const now = runtime.now();
  const ttlMs = Math.min(issuer.ttlMs, issuer.maxTtlMs);
  const request: TokenRequest = {
    key: issuer.key,
    issuer: issuer.url,
    audience: issuer.audience,
    agent: present({ id: agent.id, model: granted.agent_model }),
    ttlMs,
    maxTtlMs: issuer.maxTtlMs,
    scope,
    ...sessionClaims(session, task),
    ...(Object.keys(facts).length > 0 && { facts }),
    now,
    id: runtime.id(),
  };
  const access_token = await signed(request);
  await deps.audit.append(record(granted, request));
  return present({
    access_token,
    token_type: "Bearer",
    expires_in: Math.floor(ttlMs / 1000),
    scope,
    session_id: session.id,
    issued_token_type: granted.issued_token_type,
    authorization_details: task ? [{ type: taskType, ...asJson(task) }] : undefined,
  });
}

function sessionClaims({ id, task: _, ...known }: Granted["session"], task: Task | null) {
  return { ...known, ...(id !== undefined && { session_id: id }), ...(task && { task }) };
}

async function signed(request: TokenRequest): Promise<string> {
  try {
    return await issueToken(request);
  } catch (cause) {
    if (cause instanceof ZodError) {
      const claim = String(cause.issues[0]?.path[0]);
      const description = `what the subject token says of ${claim} does not fit into a token`;
      throw new OAuthError("invalid_grant", description, { reason: "token_invalid", cause });
    }
    if (cause instanceof RangeError) {
      throw new OAuthError("invalid_request", "the token would be too long: ask for less in scope", { cause });
    }
    throw cause;
  }
}

function record({ by, agent, grant_type, subject }: Granted, request: TokenRequest): AdminRecord {
  const { id: jti, scope = "", session_id, workflow_run_id, initiated_by, role, clearance, task, now } = request;
  const seconds = Math.floor(now / 1000) + Math.floor(request.ttlMs / 1000);
  const known = { session_id, workflow_run_id, initiated_by, role, clearance };
  return {
    kind: "admin",
    timestamp: new Date(now).toISOString(),
    act: "token_issued",
    by,
    agent_id: agent.id,
    detail: {
      grant_type,
      jti,
      scope,
      exp: seconds,
      ...present(known),
      ...(task && { task: asJson(task) }),
      ...(subject && { subject: present({ ...subject }) }),
    },
  };
}

function asJson(task: Task): { [part: string]: Json } {
  return Object.fromEntries(Object.entries(task).map(([part, values]) => [part, [...values]]));
}
