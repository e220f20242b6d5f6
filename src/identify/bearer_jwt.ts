import type { Identity } from "../call.js";
import { claimedIssuer } from "../issuers/read_token.js";
import { present } from "../issuers/values.js";
import { Refusal } from "../refusal.js";
import type { Agent } from "../registry/registry.js";
import type { TokenClaims } from "../token_claims.js";
import type { AgentClaims } from "./claims.js";
import { active, type CredentialKind, headerValues, type IdentifyContext } from "./credential.js";
import { metScopes, scopesOf } from "./scopes.js";

const header = "authorization";
/** The scheme's name is case-insensitive and followed by spaces (RFC 9110 section 11.4). */
const bearerForm = /^bearer +([!-~]+)$/i;
/** The scheme in its usual spelling. */
const usual = "Bearer ";

/**
 * `authorization: Bearer <JWT>` of the local issuer, or of one that is trusted with agents. Another scheme in that header is
 * a malformed credential.
 */
export const bearerJwt: CredentialKind = {
  name: "bearer_jwt",
  find: (request) => headerValues(request, header),
  identify,
};

/** What the token says of its issuer only chooses who verifies it, and that includes the issuer. */
function identify(credential: string, context: IdentifyContext): Identity | Promise<Identity> {
  // What was verified before has the form of a token: to look at that again would take three times as long as to find it.
  const ours = credential.startsWith(usual)
    ? context.issuer.remembered(credential.slice(usual.length), context.now())
    : undefined;
  if (ours) return ofOurs(ours, context);
  const token = bearerForm.exec(credential)?.[1];
  if (token === undefined) {
    throw new Refusal("credential_malformed", "the authorization header does not have the form Bearer <token>");
  }
  if (context.trusted.remembers(token)) return ofAnother(token, context);
  const issuer = claimedIssuer(token);
  // What names no issuer is told what it lacks by our own.
  if (typeof issuer !== "string" || issuer === context.issuer.issuer) return verified(token, context);
  return ofAnother(token, context);
}

async function verified(token: string, context: IdentifyContext): Promise<Identity> {
  return ofOurs(await context.issuer.verify(token, context.now()), context);
}

/** What a token made of an agent, for the next call with it. Neither is ever changed, only replaced. */
const remembered = new WeakMap<AgentClaims, { agent: Agent; identity: Identity }>();

function ofOurs(claims: AgentClaims, context: IdentifyContext): Identity {
  const { sub, jti } = claims;
  if (context.revocations.isRevoked(jti)) {
    const token = saidBy(claims, context.issuer.audience);
    throw new Refusal("token_revoked", "the token was revoked", { proven: { agent: sub, token } });
  }
  const known = remembered.get(claims);
  const found = context.registry.agent(sub);
  if (known && known.agent === found && !found.disabled) return known.identity;
  const token = saidBy(claims, context.issuer.audience);
  const agent = active(found, token);
  const identity: Identity = {
    agent: present({
      id: agent.id,
      model: agent.model ?? claims.agent_model,
      roles: agent.roles,
      scopes: metScopes(claims, agent.scopes, () => scopesOf(claims.scope)),
    }),
    credential: bearerJwt.name,
    credentialHeader: header,
    token,
    session: sessionOf(claims),
    facts: claims.facts ?? {},
  };
  remembered.set(claims, { agent, identity });
  return identity;
}

/** In the order in which it is recorded, with each call. */
function saidBy({ iss, sub, jti, exp, scope }: AgentClaims, aud: string): TokenClaims {
  return { aud, exp, iss, jti, scope: scope ?? "", sub };
}

async function ofAnother(token: string, context: IdentifyContext): Promise<Identity> {
  // Only tokens of ours are revoked here, and another issuer may give out the same ids.
  const grant = await context.trusted.agent(token, context.now());
  const agent = active(context.registry.agent(grant.agent), { ...grant.subject, scope: "" });
  const { scopes: bound } = grant;
  const scopes = bound === undefined ? agent.scopes : metScopes(grant, agent.scopes, () => bound);
  return {
    agent: present({ id: agent.id, model: agent.model ?? grant.agent_model, roles: agent.roles, scopes }),
    credential: bearerJwt.name,
    credentialHeader: header,
    // Its own scope claim, if any, speaks of other things than our tools.
    token: { ...grant.subject, scope: scopes.join(" ") },
    session: grant.session,
    facts: grant.facts,
  };
}

function sessionOf(claims: AgentClaims): Identity["session"] {
  const { session_id: id, workflow_run_id, initiated_by, role, clearance, task } = claims;
  return present({ id, workflow_run_id, initiated_by, role, clearance, task: task && present(task) });
}
