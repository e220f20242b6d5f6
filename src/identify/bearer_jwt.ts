import type { Identity } from "../call.js";
import { Refusal } from "../refusal.js";
import { type AgentClaims, present } from "./claims.js";
import { active, type CredentialKind, headerValues, type IdentifyContext } from "./credential.js";
import { meetScopes, scopesOf } from "./scopes.js";

const header = "authorization";
/** The scheme's name is case-insensitive and followed by spaces (RFC 9110 section 11.4). */
const bearerForm = /^bearer +([!-~]+)$/i;

/** `authorization: Bearer <JWT>` of the local issuer. Another scheme in that header is a malformed credential. */
export const bearerJwt: CredentialKind = {
  name: "bearer_jwt",
  find: (request) => headerValues(request, header),
  identify,
};

async function identify(credential: string, context: IdentifyContext): Promise<Identity> {
  const token = bearerForm.exec(credential)?.[1];
  if (token === undefined) {
    throw new Refusal("credential_malformed", "the authorization header does not have the form Bearer <token>");
  }
  const claims = await context.issuer.verify(token, context.now());
  const agent = active(context.registry.agent(claims.sub));
  const model = agent.model ?? claims.agent_model;
  return {
    agent: {
      id: agent.id,
      ...(model === undefined ? {} : { model }),
      scopes: meetScopes(agent.scopes, scopesOf(claims.scope)),
      roles: agent.roles,
    },
    credential: bearerJwt.name,
    credentialHeader: header,
    token: recorded(claims, context.issuer.audience),
    session: sessionOf(claims),
    facts: claims.facts ?? {},
  };
}

function recorded(claims: AgentClaims, audience: string): NonNullable<Identity["token"]> {
  const { iss, sub, jti, exp } = claims;
  return { iss, sub, jti, aud: audience, scope: claims.scope ?? "", exp };
}

function sessionOf(claims: AgentClaims): Identity["session"] {
  const { session_id: id, workflow_run_id, initiated_by, role, clearance } = claims;
  return present({ id, workflow_run_id, initiated_by, role, clearance });
}
