import { atOnce } from "../slices.js";
import { type AgentEntry, indexAgents } from "./agent_index.js";
import { type AgentsFile, parseAgentsFile } from "./agents_file.js";
import { foldCase, foldName, type PersonEntry, parsePeopleFile } from "./people_file.js";
import type { Agent, Person, Registry } from "./registry.js";
import { secretIndex } from "./secret_index.js";

/** A file's name, for messages, and its content. */
export interface SourceFile {
  file: string;
  text: string;
}

/** A registry that can also be listed. */
export interface LoadedRegistry extends Registry {
  agents(): Agent[];
  /** An agent with what proves it. */
  entry(id: string): AgentEntry | undefined;
  /** True for the lower-case hex SHA-256 of a secret that proves an agent or a person here. */
  holdsSecret(hash: string): boolean;
  /** What is registered but not acted on; for the operator. */
  warnings: readonly string[];
}

/**
 * Builds the registry of one snapshot of `agents.yaml` and `people.yaml`; a missing file registers nobody.
 * Throws `InvalidFile` with every mistake of the first bad file.
 */
export function loadRegistry(sources: { agents?: SourceFile; people?: SourceFile }): LoadedRegistry {
  const agents = sources.agents ? parseAgentsFile(sources.agents.file, sources.agents.text) : nobody;
  const people = sources.people ? parsePeopleFile(sources.people.file, sources.people.text, agents.keyHashes) : [];
  return buildRegistry(agents, people);
}

const nobody: AgentsFile = { entries: [], ...atOnce(indexAgents([])) };

/** Puts agents and people together. Throws an `Error` when a secret proves both an agent and a person. */
export function buildRegistry(agentsFile: AgentsFile, people: readonly PersonEntry[]): LoadedRegistry {
  const { entries, byId, bySpiffe, byKey, keyHashes } = agentsFile;
  const shared = people.find(({ tokenHashes }) => tokenHashes.some((hash) => keyHashes.has(hash)));
  if (shared)
    throw new Error(`a token of ${shared.person.id} is also the API key of an agent; each needs one of its own`);

  const names = namesOf(people, foldName);
  const exactNames = namesOf(people, foldCase);
  const byToken = secretIndex<Person>(people.map(({ person, tokenHashes }) => [person, tokenHashes]));
  const tokens = new Set(people.flatMap(({ tokenHashes }) => tokenHashes));

  return {
    agent: (id) => byId.get(id)?.agent,
    agentByApiKey: byKey,
    agentBySpiffe: (id) => bySpiffe.get(id),
    person: (name) => names.get(foldName(name)),
    personNamed(name, kind = "any") {
      const found = exactNames.get(foldCase(name));
      return kind === "any" || (found && foldCase(found.id) === foldCase(name)) ? found : undefined;
    },
    personByToken: byToken,
    holdsToken: (id, hash) => people.some(({ person, tokenHashes }) => person.id === id && tokenHashes.includes(hash)),
    agents: () => entries.map(({ agent }) => agent),
    entry: (id) => byId.get(id),
    holdsSecret: (hash) => keyHashes.has(hash) || tokens.has(hash),
    warnings: [],
  };
}

/** Ids and aliases; they are unique when folded by `foldName`, and so in any narrower way. */
function namesOf(people: readonly PersonEntry[], fold: (name: string) => string): Map<string, Person> {
  return new Map(
    people.flatMap(({ person }) => [person.id, ...person.aliases].map((name) => [fold(name), person] as const)),
  );
}
