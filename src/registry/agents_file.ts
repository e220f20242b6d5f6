import { z } from "zod";
import { InvalidFile, parseLocated } from "../files/located_yaml.js";
import { duplicates, id, secretHash, word } from "./fields.js";
import type { Agent } from "./registry.js";
import { spiffeIdForm } from "./spiffe_id.js";

/** `tool:action` in visible ASCII; a scope claim is separated by spaces, so a scope holds none. */
const scope = z
  .string()
  .max(256)
  .regex(/^[!-9;-~]+:[!-~]+$/, "must have the form tool:action")
  .refine((text) => text.split(/:(.*)/s, 2).every((part) => part === "*" || !part.includes("*")), {
    message: "* stands for a whole part; patterns such as deploy-* are not supported",
  });

const spiffeId = z.string().regex(spiffeIdForm, "must be a SPIFFE id, spiffe://<trust domain>/<path>");

/** What is registered of an agent, however it is registered. */
export const agentFields = {
  id,
  model: word.optional(),
  scopes: z.array(scope).default([]),
  roles: z.array(word).default([]),
  spiffe: z.array(spiffeId).default([]),
};

/** The form of `agents.yaml`; that names and secrets are unique is checked when it is read. */
export const agentsSchema = z.strictObject({
  agents: z.array(
    z.strictObject({
      id: agentFields.id,
      model: agentFields.model,
      scopes: agentFields.scopes,
      roles: agentFields.roles,
      disabled: z.boolean().default(false),
      api_keys: z.array(secretHash).default([]),
      spiffe: agentFields.spiffe,
    }),
  ),
});

/** One agent with what proves it. */
export interface AgentEntry {
  agent: Agent;
  /** Lower-case hex SHA-256 of each API key. */
  keyHashes: readonly string[];
  spiffe: readonly string[];
}

/** What `agents.yaml` says. */
export interface AgentsFile {
  entries: readonly AgentEntry[];
}

/** Reads `agents.yaml`. Throws `InvalidFile` with every mistake. */
export function parseAgentsFile(file: string, text: string): AgentsFile {
  const located = parseLocated(file, text, agentsSchema);
  const { agents } = located.value;

  const ids = agents.map((agent, i) => ({ value: agent.id, path: ["agents", i, "id"] }));
  const hashes = agents.flatMap((agent, i) =>
    agent.api_keys.map((key, k) => ({ value: key.sha256, path: ["agents", i, "api_keys", k, "sha256"] })),
  );
  const spiffeIds = agents.flatMap((agent, i) =>
    agent.spiffe.map((value, s) => ({ value, path: ["agents", i, "spiffe", s] })),
  );
  const problems = [
    ...duplicates(located, ids, (value) => `agent ${value} is listed twice`),
    ...duplicates(located, hashes, () => "this key is listed twice; a key belongs to exactly one agent"),
    ...duplicates(located, spiffeIds, (value) => `${value} is listed twice; a SPIFFE id belongs to exactly one agent`),
  ];
  if (problems.length > 0) throw new InvalidFile(problems);

  return {
    entries: agents.map(({ api_keys, spiffe, model, ...agent }) => ({
      agent: { ...agent, ...(model === undefined ? {} : { model }) },
      keyHashes: api_keys.map((key) => key.sha256),
      spiffe,
    })),
  };
}
