import type { Agent, Registry } from "../registry/registry.js";
import { OAuthError } from "./error.js";
import type { Form } from "./form.js";

/** Who sends a request: the agent whose API key came with it, or just a name that nothing proves. */
export interface Client {
  id: string;
  /** `null` when only `client_id` came. May be disabled. */
  agent: Agent | null;
}

const basicForm = /^basic +([A-Za-z0-9+/]+={0,2})$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The client of a request (RFC 6749 section 2.3.1), `null` when it names none. Throws `OAuthError`: `invalid_client` for
 * credentials that are not right, `invalid_request` for two sets of them.
 */
export function readClient(form: Form, authorization: string | undefined, registry: Registry): Client | null {
  const [id, secret] = [form.get("client_id"), form.get("client_secret")];
  if (authorization !== undefined) {
    if (secret !== undefined) {
      throw new OAuthError("invalid_request", "send the secret in the header or in the body, not in both");
    }
    const basic = readBasic(authorization);
    if (id !== undefined && id !== basic.id) {
      throw new OAuthError("invalid_request", "client_id is another client than that of the header");
    }
    return proven(basic.id, basic.secret, registry);
  }
  if (id === undefined) {
    if (secret !== undefined) throw new OAuthError("invalid_request", "client_secret came without client_id");
    return null;
  }
  return secret === undefined ? { id, agent: null } : proven(id, secret, registry);
}

/** The agent that may get a token. Throws `OAuthError` `unauthorized_client` when it is not registered or disabled. */
export function active(agent: Agent | undefined): Agent {
  if (!agent) {
    throw new OAuthError("unauthorized_client", "the agent is not registered", { reason: "agent_unknown" });
  }
  if (agent.disabled) {
    throw new OAuthError("unauthorized_client", "the agent is disabled", { reason: "agent_disabled" });
  }
  return agent;
}

/** The same answer for an unknown client, a wrong secret and the secret of somebody else. */
function proven(id: string, secret: string, registry: Registry): Client {
  const agent = registry.agentByApiKey(secret);
  if (agent?.id !== id) throw new OAuthError("invalid_client", "the client is unknown or its secret is wrong");
  return { id, agent };
}

/** Both parts are form-encoded before they are joined, so that a colon, `+` or `%` in them has one meaning. */
function readBasic(header: string): { id: string; secret: string } {
  const encoded = basicForm.exec(header)?.[1];
  if (encoded === undefined) {
    throw new OAuthError("invalid_client", "the authorization header must have the form Basic <base64>");
  }
  const pair = decodeBase64(encoded);
  const colon = pair?.indexOf(":") ?? -1;
  if (pair === null || colon < 0) {
    throw new OAuthError("invalid_client", "the authorization header is not the base64 of id:secret");
  }
  const [id, secret] = [formDecode(pair.slice(0, colon)), formDecode(pair.slice(colon + 1))];
  if (id === null || secret === null) {
    throw new OAuthError("invalid_client", "id and secret must each be form-encoded before they are joined by a colon");
  }
  if (id === "" || secret === "") throw new OAuthError("invalid_client", "the authorization header lacks id or secret");
  return { id, secret };
}

function decodeBase64(text: string): string | null {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64").replace(/=+$/, "") !== text.replace(/=+$/, "")) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function formDecode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
