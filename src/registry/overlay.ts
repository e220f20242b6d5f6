import type { StoredAgent } from "../store/shared_registry.js";
import type { AgentEntry } from "./agent_index.js";
import { agentFields } from "./agents_schema.js";
import type { LoadedRegistry } from "./load.js";
import type { Agent } from "./registry.js";
import { secretIndex } from "./secret_index.js";
import { parseSpiffeId } from "./spiffe_id.js";

/** What processes share of agents. */
interface SharedAgents {
  agents: Iterable<StoredAgent>;
  /** Agents that were disabled over the API whoever registers them. */
  disabled: ReadonlySet<string>;
}

/**
 * The files' registry with the shared agents beside it. What the files say wins: a shared agent of the same id is passed
 * over, and so is a key or SPIFFE id of a shared agent that proves somebody already, each with a warning. An agent is
 * disabled when either side says so. Keys that were replaced end by the clock.
 */
export function overlay(file: LoadedRegistry, shared: SharedAgents, clock: { now(): number }): LoadedRegistry {
  const all = [...shared.agents].sort(byAge);
  // One of revision 0 is nobody, and says nothing of an agent that the files register.
  const disabled = all.filter((agent) => agent.disabled && (agent.revision > 0 || !file.agent(agent.id)));
  const off = new Set([...shared.disabled, ...disabled.map(({ id }) => id)]);
  const warnings: string[] = [];
  const own = all.filter(({ id, revision }) => {
    // A name that no registration gives could stand for more than an agent in policies.
    if (!agentFields.id.safeParse(id).success) return false;
    if (!file.agent(id)) return true;
    if (revision > 0) warnings.push(`agent ${id} is registered over the API too; what agents.yaml says of it holds`);
    return false;
  });
  const entries = provenOnce(own, { file, nowMs: clock.now(), warnings });
  const keys = new Set([...entries.values()].flatMap(({ keyHashes }) => keyHashes));
  const byKey = secretIndex(endingKeys(own, entries));
  const bySpiffe = new Map([...entries.values()].flatMap(({ agent, spiffe }) => spiffe.map((id) => [id, agent])));

  function effective<T extends Agent | undefined>(agent: T): T {
    return agent && !agent.disabled && off.has(agent.id) ? { ...agent, disabled: true } : agent;
  }

  return {
    ...file,
    agent: (id) => effective(file.agent(id) ?? entries.get(id)?.agent),
    agentByApiKey: (key) => {
      const found = byKey(key);
      const holds = found && (found.untilMs === undefined || clock.now() < found.untilMs);
      return effective(file.agentByApiKey(key) ?? (holds ? found.agent : undefined));
    },
    agentBySpiffe: (id) => effective(file.agentBySpiffe(id) ?? bySpiffe.get(id)),
    agents: () => [...file.agents(), ...[...entries.values()].map(({ agent }) => agent)].map(effective),
    entry: (id) => {
      const entry = file.entry(id) ?? entries.get(id);
      return entry && { ...entry, agent: effective(entry.agent) };
    },
    holdsSecret: (hash) => file.holdsSecret(hash) || keys.has(hash),
    warnings: [...file.warnings, ...warnings],
  };
}

/** Of two that claim the same, the older one has it, on every process alike. */
function byAge(a: StoredAgent, b: StoredAgent): number {
  return a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
}

/** The agents with what proves nobody else. */
function provenOnce(
  agents: readonly StoredAgent[],
  { file, nowMs, warnings }: { file: LoadedRegistry; nowMs: number; warnings: string[] },
): Map<string, AgentEntry> {
  const taken = new Set<string>();
  const entries = new Map<string, AgentEntry>();
  for (const { id, model, scopes, roles, disabled, keys, spiffe } of agents) {
    const keyHashes = keys
      .filter(({ untilMs }) => untilMs === undefined || nowMs < untilMs)
      .map(({ sha256 }) => sha256)
      .filter((hash) => {
        if (!file.holdsSecret(hash) && isNew(taken, hash)) return true;
        warnings.push(`an API key of agent ${id} proves somebody else too and is passed over`);
        return false;
      });
    const ids = spiffe.filter((one) => {
      if (parseSpiffeId(one) !== null && !file.agentBySpiffe(one) && isNew(taken, one)) return true;
      warnings.push(`the SPIFFE id ${one} of agent ${id} is another agent's, or none, and is passed over`);
      return false;
    });
    const agent: Agent = { id, ...(model === undefined ? {} : { model }), scopes, roles, disabled };
    entries.set(id, { agent, keyHashes, spiffe: ids });
  }
  return entries;
}

function isNew(taken: Set<string>, value: string): boolean {
  if (taken.has(value)) return false;
  taken.add(value);
  return true;
}

/** Each usable key with its agent and, when it was replaced, its end. */
function* endingKeys(
  agents: readonly StoredAgent[],
  entries: ReadonlyMap<string, AgentEntry>,
): Generator<[{ agent: Agent; untilMs: number | undefined }, string[]]> {
  for (const { id, keys } of agents) {
    const entry = entries.get(id);
    if (!entry) continue;
    const ends = new Map(keys.map(({ sha256, untilMs }) => [sha256, untilMs]));
    for (const hash of entry.keyHashes) yield [{ agent: entry.agent, untilMs: ends.get(hash) }, [hash]];
  }
}
