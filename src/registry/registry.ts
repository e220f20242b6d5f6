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
  /**
   * By id or alias, as names look to people: in whatever case, with spaces around or in characters of another width. For
   * what may only refuse more when it finds too many, such as who must not approve; never for who somebody is.
   */
  person(name: string): Person | undefined;
  /**
   * Who a proven name stands for: compared as it is written but for the case of ASCII letters. `id` leaves aliases out,
   * `any` is the default.
   */
  personNamed(name: string, names?: "id" | "any"): Person | undefined;
  /** Compares hashes in constant time. */
  personByToken(token: string): Person | undefined;
  /** True while the lower-case hex SHA-256 is that of a token of the person with this id. */
  holdsToken(id: string, sha256: string): boolean;
}
