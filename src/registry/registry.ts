/** A registered agent, as `agents.yaml` describes it. */
export interface Agent {
  id: string;
  /** Becomes `agent_model` in records and `agent.model` in policies. */
  model?: string;
  /** `tool:action` patterns; empty = may call nothing. */
  scopes: readonly string[];
  roles: readonly string[];
  disabled: boolean;
}

/** What a person may do with the HTTP API. `agent` is the access of agents themselves, never of a person. */
export const accesses = ["admin", "approver", "auditor", "viewer"] as const;
export type Access = (typeof accesses)[number];

/** Somebody in `people.yaml`. */
export interface Person {
  id: string;
  /** Log-ins and chat ids that are the same person. */
  aliases: readonly string[];
  access: readonly Access[];
  groups: readonly string[];
  role?: string;
  clearance?: string;
}

/** The agents and people of one loaded snapshot. Look-ups never throw. */
export interface Registry {
  agent(id: string): Agent | undefined;
  /** Compares hashes in constant time. */
  agentByApiKey(key: string): Agent | undefined;
  /** By a SPIFFE id (`spiffe://...`) that is listed of the agent, compared as it is written. */
  agentBySpiffe(id: string): Agent | undefined;
  /** By id or alias. */
  person(name: string): Person | undefined;
  /** Compares hashes in constant time. */
  personByToken(token: string): Person | undefined;
}
