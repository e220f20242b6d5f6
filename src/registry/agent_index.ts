import type { Agent } from "./registry.js";
import { secretIndexing } from "./secret_index.js";

/** One agent with what proves it. */
export interface AgentEntry {
  agent: Agent;
  /** Lower-case hex SHA-256 of each API key. */
  keyHashes: readonly string[];
  spiffe: readonly string[];
}

/** The agents of a file by whatever names or proves them, made once for each reading of the file. */
export interface AgentIndex {
  byId: ReadonlyMap<string, AgentEntry>;
  bySpiffe: ReadonlyMap<string, Agent>;
  /** By an API key. */
  byKey(key: string): Agent | undefined;
  /** Hashes of all API keys. */
  keyHashes: ReadonlySet<string>;
}

/** Some agents a step: their secrets are hashed anew for each index. */
export function* indexAgents(entries: readonly AgentEntry[]): Generator<void, AgentIndex> {
  const byId = new Map<string, AgentEntry>();
  const bySpiffe = new Map<string, Agent>();
  const keyHashes = new Set<string>();
  for (const entry of entries) {
    byId.set(entry.agent.id, entry);
    for (const id of entry.spiffe) bySpiffe.set(id, entry.agent);
    for (const hash of entry.keyHashes) keyHashes.add(hash);
    yield;
  }
  const owners = entries.map(({ agent, keyHashes: own }) => [agent, own] as const);
  return { byId, bySpiffe, byKey: yield* secretIndexing<Agent>(owners), keyHashes };
}
