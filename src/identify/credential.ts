import type { HttpRequest, Identity } from "../call.js";
import { Refusal } from "../refusal.js";
import type { Agent, Registry } from "../registry/registry.js";
import type { IssuerVerifier } from "./local_issuer.js";

/** What identification looks at of a request; a gRPC check and a request to the HTTP API both have it. */
export type Credentials = Pick<HttpRequest, "headers">;

/** What credentials are checked against. */
export interface IdentifyContext {
  registry: Registry;
  issuer: IssuerVerifier;
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** One row of the credential table. */
export interface CredentialKind {
  /** Shown in records as the way the agent proved itself. */
  readonly name: string;
  /** Credentials of this kind in the request, as sent; none = not mine. More than one in all is ambiguous. */
  find(request: Credentials): readonly string[];
  /** Who it proves. Throws `Refusal` with a reason of status 401 to reject it. */
  identify(credential: string, context: IdentifyContext): Promise<Identity>;
}

/** Every value of a header, in order. */
export function headerValues(request: Credentials, name: string): string[] {
  return request.headers.filter((header) => header.name === name).map((header) => header.value);
}

/** The agent, when it is registered and may act. */
export function active(agent: Agent | undefined): Agent {
  if (!agent) throw new Refusal("agent_unknown", "the agent is not registered");
  if (agent.disabled) throw new Refusal("agent_disabled", "the agent is disabled");
  return agent;
}
