import type { Json } from "../call.js";
import type { SessionFacts, Task } from "../session.js";

/** What a token of another issuer makes its bearer, by the operator's entry in `identity.trusted`. */
export interface Grant {
  /** Id of the agent whom it stands for; whether that one is registered is not known here. */
  agent: string;
  /** `tool:action` patterns that bound what it gets; absent = all that is registered. */
  scopes?: readonly string[];
  /** What the claim map takes from the token. */
  session: SessionFacts & {
    /** Of this issuer and agent, so that equal numbers of two issuers are two sessions. */
    id?: string;
    task?: Task;
  };
  agent_model?: string;
  facts: Readonly<Record<string, Json>>;
  /** The token itself, for records. `exp` in seconds since the epoch. */
  subject: { iss: string; sub: string; jti?: string; aud: string; exp: number };
}

/** Somebody whom an issuer for people names. */
export interface PersonClaim {
  /** Id of the person, to be looked up in the registry as it is written. */
  name: string;
  /** Whether `name` may be an alias too. */
  aliases?: boolean;
  subject: Grant["subject"];
}

/**
 * The issuers of `identity.trusted`. Each method throws `Refusal` with a reason of status 401, or `issuer_unavailable`
 * when the issuer's keys cannot be had. Whether a token was revoked is not known here.
 */
export interface TrustedIssuers {
  /** True when some entry of this use has this `iss`; who is not trusted for a use is nobody there. */
  knows(use: "exchange" | "agents" | "people", iss: string): boolean;
  /** All entries that the token satisfies, one for each agent; at least one. */
  exchange(token: string, nowMs: number): Promise<Grant[]>;
  /** The one agent that the token stands for as a bearer credential. */
  agent(token: string, nowMs: number): Promise<Grant>;
  /** True for a token that `agent` knows already, so that nobody needs to read whose it is. */
  remembers(token: string): boolean;
  person(token: string, nowMs: number): Promise<PersonClaim>;
  /** Stops what is under way. */
  close(): void;
}
