import type { HttpRequest, Identity } from "../call.js";
import type { TrustedIssuers } from "../issuers/issuers.js";
import type { Revocations } from "../issuers/revocations.js";
import { Refusal } from "../refusal.js";
import type { Agent, Registry } from "../registry/registry.js";
import type { TokenClaims } from "../token_claims.js";
import type { IssuerVerifier } from "./local_issuer.js";

/** What identification looks at of a request; a gRPC check and a request to the HTTP API both have it. */
export type Credentials = Pick<HttpRequest, "headers" | "peer">;

/** What credentials are checked against. */
export interface IdentifyContext {
  /** As it is at the time of the look-up: what other processes did becomes known while identification waits for it. */
  registry: Registry;
  issuer: IssuerVerifier;
  trusted: TrustedIssuers;
  revocations: Revocations;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** True for who looks at `Identity.unsure`; for others it is thrown. */
  mayBeUnsure?: boolean;
}

/** One row of the credential table. */
export interface CredentialKind {
  /** Shown in records as the way the agent proved itself. */
  readonly name: string;
  /**
   * Credentials of this kind in the request, as sent; none = not mine. More than one in all is ambiguous. Throws `Refusal`
   * for what must not be there, whatever other credential is.
   */
  find(request: Credentials): readonly string[];
  /** True for what is no credential as soon as there is another one. Without this everything that was found is one. */
  yields?(credential: string, context: IdentifyContext): boolean;
  /** Who it proves. Throws `Refusal` with a reason of status 401 to reject it. */
  identify(credential: string, context: IdentifyContext): Identity | Promise<Identity>;
}

const none: readonly string[] = Object.freeze([]);

/** Every value of a header, in order. */
export function headerValues({ headers }: Credentials, name: string): readonly string[] {
  let values: string[] | null = null;
  for (const header of headers) {
    if (header.name !== name) continue;
    // Most calls have one, and a list that begins empty has room for seventeen.
    if (values === null) values = [header.value];
    else values.push(header.value);
  }
  return values ?? none;
}

/** The agent, when it is registered and may act. `token` is what proved it, where a token did. */
export function active(agent: Agent | undefined, token: TokenClaims | null = null): Agent {
  if (!agent) throw new Refusal("agent_unknown", "the agent is not registered");
  if (agent.disabled) {
    throw new Refusal("agent_disabled", "the agent is disabled", { proven: { agent: agent.id, token } });
  }
  return agent;
}
