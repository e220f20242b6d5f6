import type { Identity } from "../call.js";
import { Refusal } from "../refusal.js";
import { active, type CredentialKind, headerValues, type IdentifyContext } from "./credential.js";

const header = "x-api-key";
const keyForm = /^[!-~]{1,512}$/;

/** `x-api-key: <key>`, registered by its hash. It proves the agent and nothing of a session. */
export const apiKey: CredentialKind = {
  name: "api_key",
  find: (request) => headerValues(request, header),
  identify,
};

function identify(credential: string, context: IdentifyContext): Identity {
  if (!keyForm.test(credential)) throw new Refusal("credential_malformed", "the API key does not have a known form");
  const owner = context.registry.agentByApiKey(credential);
  if (!owner) throw new Refusal("api_key_unknown", "the API key is not registered");
  const { id, model, scopes, roles } = active(owner);
  return {
    agent: { id, ...(model === undefined ? {} : { model }), roles, scopes },
    credential: apiKey.name,
    credentialHeader: header,
    session: {},
    facts: {},
  };
}
