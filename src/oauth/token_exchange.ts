import type { Grant, TrustedIssuers } from "../issuers/issuers.js";
import { present } from "../issuers/values.js";
import { quote } from "../json/quote.js";
import { refusalOf } from "../reasons.js";
import { Refusal } from "../refusal.js";
import type { Registry } from "../registry/registry.js";
import { active, type Client } from "./client.js";
import { OAuthError } from "./error.js";
import { type Form, required } from "./form.js";
import type { Granted } from "./granted.js";

export const tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";

/** RFC 8693 section 3. */
const types = {
  jwt: "urn:ietf:params:oauth:token-type:jwt",
  id_token: "urn:ietf:params:oauth:token-type:id_token",
  access_token: "urn:ietf:params:oauth:token-type:access_token",
} as const;
const subjectTypes: readonly string[] = Object.values(types);
const requestedTypes: readonly string[] = [types.access_token, types.jwt];

/** RFC 8693: an agent by the token of an issuer that the operator trusts with it. Throws `OAuthError`. */
export async function grantForToken(
  form: Form,
  client: Client | null,
  deps: { trusted: TrustedIssuers; registry: () => Registry; nowMs: number },
): Promise<Granted> {
  const token = required(form, "subject_token");
  checkTypes(form);
  const grants = await exchanged(token, deps);
  const grant = selected(grants, client);
  const registry = deps.registry();
  const agent = active(registry.agent(grant.agent));
  return {
    agent,
    scopes: grant.scopes,
    session: sessionOf(grant, registry),
    agent_model: agent.model ?? grant.agent_model,
    facts: grant.facts,
    by: `${grant.subject.iss} ${grant.subject.sub}`,
    grant_type: tokenExchange,
    subject: grant.subject,
    issued_token_type: form.get("requested_token_type") ?? types.access_token,
  };
}

function checkTypes(form: Form): void {
  if (!subjectTypes.includes(required(form, "subject_token_type"))) {
    throw new OAuthError("invalid_request", `subject_token_type must be one of ${subjectTypes.join(", ")}`);
  }
  const requested = form.get("requested_token_type");
  if (requested !== undefined && !requestedTypes.includes(requested)) {
    throw new OAuthError("invalid_request", `requested_token_type must be one of ${requestedTypes.join(", ")}`);
  }
  if (form.has("actor_token") || form.has("actor_token_type")) {
    throw new OAuthError("invalid_request", "actor_token is not supported: an agent acts for itself");
  }
}

/** RFC 8693 section 2.2.2: whatever is wrong with the token, the error is `invalid_request`. */
async function exchanged(token: string, deps: { trusted: TrustedIssuers; nowMs: number }): Promise<Grant[]> {
  try {
    return await deps.trusted.exchange(token, deps.nowMs);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { reason, detail } = error;
    if (refusalOf(reason).status !== 401) throw error;
    throw new OAuthError("invalid_request", `subject_token: ${detail}`, { reason, cause: error });
  }
}

/** One token may stand for several agents; which of them is asked for is the client's to say, and never ours to guess. */
function selected(grants: readonly Grant[], client: Client | null): Grant {
  const fitting = client === null ? grants : grants.filter(({ agent }) => agent === client.id);
  const [only, ...others] = fitting;
  if (others.length > 0) {
    throw new OAuthError("invalid_request", "subject_token stands for several agents: name one of them by client_id");
  }
  if (only) return only;
  const named = client === null ? "any agent" : `the agent ${quote(client.id)}`;
  throw new OAuthError("invalid_request", `subject_token does not stand for ${named}`, { reason: "token_condition" });
}

/** The claim map first; what it leaves open comes of the person in `people.yaml` that started the session. */
function sessionOf({ session }: Grant, registry: Registry): Granted["session"] {
  const { initiated_by, role, clearance } = session;
  const person = initiated_by === undefined ? undefined : registry.personNamed(initiated_by);
  return present({
    ...session,
    initiated_by: person?.id ?? initiated_by,
    role: role ?? person?.role,
    clearance: clearance ?? person?.clearance,
  });
}
