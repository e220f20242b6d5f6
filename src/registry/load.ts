import { createHmac, randomBytes } from "node:crypto";
import { sha256Hex } from "../canonical.js";
import { type AgentsFile, parseAgentsFile } from "./agents_file.js";
import { foldName, type PersonEntry, parsePeopleFile } from "./people_file.js";
import type { Agent, Person, Registry } from "./registry.js";

/** A file's name, for messages, and its content. */
export interface SourceFile {
  file: string;
  text: string;
}

/** A registry that can also be listed. */
export interface LoadedRegistry extends Registry {
  agents(): Agent[];
  /** What was read but is not acted on, each with its place; for the operator. */
  warnings: readonly string[];
}

/**
 * Builds the registry of one snapshot of `agents.yaml` and `people.yaml`; a missing file registers nobody.
 * Throws `InvalidFile` with every mistake of the first bad file.
 */
export function loadRegistry(sources: { agents?: SourceFile; people?: SourceFile }): LoadedRegistry {
  const agents = sources.agents ? parseAgentsFile(sources.agents.file, sources.agents.text) : nobody;
  const people = sources.people ? parsePeopleFile(sources.people.file, sources.people.text, keysOf(agents)) : [];
  return buildRegistry(agents, people);
}

const nobody: AgentsFile = { entries: [], warnings: [] };

/** Hashes of all API keys. */
export function keysOf({ entries }: AgentsFile): ReadonlySet<string> {
  return new Set(entries.flatMap(({ keyHashes }) => keyHashes));
}

/** Puts agents and people together. Throws an `Error` when a secret proves both an agent and a person. */
export function buildRegistry({ entries, warnings }: AgentsFile, people: readonly PersonEntry[]): LoadedRegistry {
  const agentKeys = keysOf({ entries, warnings });
  const shared = people.find(({ tokenHashes }) => tokenHashes.some((hash) => agentKeys.has(hash)));
  if (shared)
    throw new Error(`a token of ${shared.person.id} is also the API key of an agent; each needs one of its own`);

  const agents = new Map(entries.map(({ agent }) => [agent.id, agent]));
  const names = new Map(
    people.flatMap(({ person }) => [person.id, ...person.aliases].map((name) => [foldName(name), person] as const)),
  );
  const byKey = secretIndex<Agent>(entries.map(({ agent, keyHashes }) => [agent, keyHashes]));
  const byToken = secretIndex<Person>(people.map(({ person, tokenHashes }) => [person, tokenHashes]));

  return {
    agent: (id) => agents.get(id),
    agentByApiKey: byKey,
    person: (name) => names.get(foldName(name)),
    personByToken: byToken,
    agents: () => [...agents.values()],
    warnings,
  };
}

/**
 * Look-up by the SHA-256 of a secret. The map's keys are MACs under a key of this process, so the time of a look-up
 * says nothing about how much of a registered hash a guess has right, and it does not grow with the registry.
 */
function secretIndex<T>(owners: Iterable<readonly [T, readonly string[]]>): (secret: string) => T | undefined {
  const macKey = randomBytes(32);
  const place = (hash: string) => createHmac("sha256", macKey).update(hash).digest("base64");
  const index = new Map<string, T>();
  for (const [owner, hashes] of owners) for (const hash of hashes) index.set(place(hash), owner);
  return (secret) => index.get(place(sha256Hex(secret)));
}
