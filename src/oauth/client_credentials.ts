import { active, type Client } from "./client.js";
import { OAuthError } from "./error.js";
import type { Granted } from "./granted.js";

export const clientCredentials = "client_credentials";

/**
 * RFC 6749 section 4.4: the agent by its API key. The token binds no session and proves nobody behind it, as the key
 * itself does: an agent that could start sessions for itself would leave a dirty one behind. Throws `OAuthError`.
 */
export function grantToClient(client: Client | null): Granted {
  if (!client?.agent) {
    const how = "the id of the agent and its API key, by HTTP Basic or as client_id and client_secret in the body";
    throw new OAuthError("invalid_client", `send ${how}`);
  }
  const agent = active(client.agent);
  return {
    agent,
    scopes: undefined,
    session: {},
    agent_model: agent.model,
    facts: {},
    by: `agent:${agent.id}`,
    grant_type: clientCredentials,
    subject: null,
    issued_token_type: undefined,
  };
}
