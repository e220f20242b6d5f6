/** An agent that was registered over the API. */
export interface StoredAgent {
  id: string;
  model?: string;
  /** `tool:action` patterns. */
  scopes: readonly string[];
  roles: readonly string[];
  spiffe: readonly string[];
  disabled: boolean;
  /** Lower-case hex SHA-256 of each API key; `untilMs` ends one that was replaced. */
  keys: readonly { sha256: string; untilMs?: number }[];
  createdAtMs: number;
  /** Counts the changes, from 1. */
  revision: number;
  /** The server's signature over everything else of it. Stores keep it; processes check it. */
  proof: string;
}

/** That an agent was disabled, or enabled again, by its id, whoever registers it. */
export interface AgentFlag {
  id: string;
  disabled: boolean;
  /** Grows with each change, from 1. */
  revision: number;
  /** As that of an agent. */
  proof: string;
}

/** A token that is good for nothing any more. */
export interface RevokedToken {
  jti: string;
  /** When it would have expired anyway. */
  expiresAtMs: number;
}

/** Where a process is in what it knows; opaque. */
export type Seen = string;

/** What has changed since a process looked last, of each thing as it is now. */
export interface RegistryChanges {
  seen: Seen;
  /** One that cannot be read is there as a disabled one of revision 0 that nothing proves. */
  agents: readonly StoredAgent[];
  /** One that cannot be read is there as revision 0, and disables. */
  flags: readonly AgentFlag[];
  revoked: readonly RevokedToken[];
  /** True when there is more: ask again. */
  more: boolean;
  /**
   * True when the store has lost something that was seen before, as after a flush or a failover. What is here begins with
   * everything that is left.
   */
  lost: boolean;
}

/** What processes that share a store share of agents and tokens. Methods throw `StoreUnavailable` as those of `Store`. */
export interface SharedRegistry {
  /** Everything for `null`, else what has changed since; a bounded part of it at a time, in one round trip. */
  changes(seen: Seen | null): Promise<RegistryChanges>;
  /**
   * Writes the agent if its stored revision is `over` (0 = there is none, `null` = whatever there is), by default one less
   * than that of the agent; false when it is another, or cannot be read.
   */
  putAgent(agent: StoredAgent, over?: number | null): Promise<boolean>;
  /** Writes the flag as `putAgent` does; the revision of one that cannot be read is 0 here. */
  putFlag(flag: AgentFlag, over?: number | null): Promise<boolean>;
  /** Kept for `revocationGraceMs` longer than the token holds, for processes whose clock is behind. */
  revoke(token: RevokedToken): Promise<void>;
  /**
   * Fixes what a session is for: the first task that is given for it wins. Returns the one that holds, canonical JSON;
   * `task` is `null` when none is asked for, and then `null` may come back. Kept for `ttlMs` after the last time.
   */
  pinTask(agent: string, session: string, task: string | null, ttlMs: number): Promise<string | null>;
}

/** How far the clocks of a process and of the store may be apart. */
export const revocationGraceMs = 300_000;
