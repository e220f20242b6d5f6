import type { Identity } from "../call.js";
import { claimedIssuer } from "../issuers/read_token.js";
import { present } from "../issuers/values.js";
import { Refusal } from "../refusal.js";
import type { AgentClaims } from "./claims.js";
import { active, type CredentialKind, headerValues, type IdentifyContext } from "./credential.js";
import { metScopes, scopesOf } from "./scopes.js";

const header = "authorization";
/** The scheme's name is case-insensitive and followed by spaces (RFC 9110 section 11.4). */
const bearerForm = /^bearer +([!-~]+)$/i;

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
async function identify(credential: string, context: IdentifyContext): Promise<Identity> {
  const token = bearerForm.exec(credential)?.[1];
  if (token === undefined) {
    throw new Refusal("credential_malformed", "the authorization header does not have the form Bearer <token>");
  }
  const issuer = claimedIssuer(token);
  // What names no issuer is told what it lacks by our own.
  if (typeof issuer !== "string" || issuer === context.issuer.issuer) return ofOurs(token, context);
  return ofAnother(token, context);
}

async function ofOurs(token: string, context: IdentifyContext): Promise<Identity> {
  const claims = await context.issuer.verify(token, context.now());
  const { iss, sub, jti, exp, scope } = claims;
  const known = { iss, sub, jti, aud: context.issuer.audience, scope: scope ?? "", exp };
  if (context.revocations.isRevoked(jti)) {
    throw new Refusal("token_revoked", "the token was revoked", { proven: { agent: sub, token: known } });
  }
  const agent = active(context.registry.agent(sub), known);
  return {
    agent: present({
      id: agent.id,
      model: agent.model ?? claims.agent_model,
      scopes: metScopes(claims, agent.scopes, () => scopesOf(scope)),
      roles: agent.roles,
    }),
    credential: bearerJwt.name,
    credentialHeader: header,
    token: known,
    session: sessionOf(claims),
    facts: claims.facts ?? {},
  };
}

async function ofAnother(token: string, context: IdentifyContext): Promise<Identity> {
  // Only tokens of ours are revoked here, and another issuer may give out the same ids.
  const grant = await context.trusted.agent(token, context.now());
  const agent = active(context.registry.agent(grant.agent), { ...grant.subject, scope: "" });
  const { scopes: bound } = grant;
  const scopes = bound === undefined ? agent.scopes : metScopes(grant, agent.scopes, () => bound);
  return {
    agent: present({ id: agent.id, model: agent.model ?? grant.agent_model, scopes, roles: agent.roles }),
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
