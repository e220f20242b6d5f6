import type { AgentEntry } from "../registry/agent_index.js";
import type { StoredAgent } from "../store/shared_registry.js";

/** An agent as people see it. Nothing in it proves anything. */
export interface AgentView {
  id: string;
  /** `file`: `agents.yaml` registers it. `store`: it was registered over the API. */
  source: "file" | "store";
  model: string | null;
  scopes: readonly string[];
  roles: readonly string[];
  spiffe: readonly string[];
  /** Whoever says so. */
  disabled: boolean;
  /** RFC 3339 UTC; `null` of those in `agents.yaml`. */
  created_at: string | null;
  /** API keys that hold, those that were replaced and have not ended included. */
  keys: number;
}

export function viewOfEntry({ agent, keyHashes, spiffe }: AgentEntry): AgentView {
  return {
    id: agent.id,
    source: "file",
    model: agent.model ?? null,
    scopes: agent.scopes,
    roles: agent.roles,
    spiffe,
    disabled: agent.disabled,
    created_at: null,
    keys: keyHashes.length,
  };
}

export function viewOfStored(agent: StoredAgent, disabled: boolean, nowMs: number): AgentView {
  return {
    id: agent.id,
    source: "store",
    model: agent.model ?? null,
    scopes: agent.scopes,
    roles: agent.roles,
    spiffe: agent.spiffe,
    disabled: agent.disabled || disabled,
    created_at: new Date(agent.createdAtMs).toISOString(),
    keys: heldKeys(agent, nowMs).length,
  };
}

/** The API keys that have not ended. */
export function heldKeys({ keys }: StoredAgent, nowMs: number): StoredAgent["keys"] {
  return keys.filter(({ untilMs }) => untilMs === undefined || nowMs < untilMs);
}
