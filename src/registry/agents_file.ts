import { z } from "zod";
import { formatProblem, InvalidFile, parseLocated } from "../files/located_yaml.js";
import { duplicates, id, secretHash, word } from "./fields.js";
import type { Agent } from "./registry.js";

/** `tool:action` in visible ASCII; a scope claim is separated by spaces, so a scope holds none. */
const scope = z
  .string()
  .max(256)
  .regex(/^[!-9;-~]+:[!-~]+$/, "must have the form tool:action")
  .refine((text) => text.split(/:(.*)/s, 2).every((part) => part === "*" || !part.includes("*")), {
    message: "* stands for a whole part; patterns such as deploy-* are not supported",
  });

/** The form of `agents.yaml`; that names and secrets are unique is checked when it is read. */
export const agentsSchema = z.strictObject({
  agents: z.array(
    z.strictObject({
      id,
      model: word.optional(),
      scopes: z.array(scope).default([]),
      roles: z.array(word).default([]),
      disabled: z.boolean().default(false),
      api_keys: z.array(secretHash).default([]),
      spiffe: z
        .array(z.string().regex(/^spiffe:\/\/[!-~]+$/, "must be a SPIFFE id, spiffe://<trust domain>/<path>"))
        .default([]),
    }),
  ),
});

/** One agent with what proves it. */
export interface AgentEntry {
  agent: Agent;
  /** Lower-case hex SHA-256 of each API key. */
  keyHashes: readonly string[];
}

/** What `agents.yaml` says. Warnings have the form of mistakes and do not stop the load. */
export interface AgentsFile {
  entries: readonly AgentEntry[];
  warnings: readonly string[];
}

/** Reads `agents.yaml`. Throws `InvalidFile` with every mistake. */
export function parseAgentsFile(file: string, text: string): AgentsFile {
  const located = parseLocated(file, text, agentsSchema);
  const { agents } = located.value;

  const ids = agents.map((agent, i) => ({ value: agent.id, path: ["agents", i, "id"] }));
  const hashes = agents.flatMap((agent, i) =>
    agent.api_keys.map((key, k) => ({ value: key.sha256, path: ["agents", i, "api_keys", k, "sha256"] })),
  );
  const problems = [
    ...duplicates(located, ids, (value) => `agent ${value} is listed twice`),
    ...duplicates(located, hashes, () => "this key is listed twice; a key belongs to exactly one agent"),
  ];
  if (problems.length > 0) throw new InvalidFile(problems);

  return {
    entries: agents.map(({ api_keys, spiffe: _, model, ...agent }) => ({
      agent: { ...agent, ...(model === undefined ? {} : { model }) },
      keyHashes: api_keys.map((key) => key.sha256),
    })),
    warnings: agents.flatMap(({ spiffe }, i) =>
      spiffe.length === 0
        ? []
        : [
            formatProblem(
              located.problem(["agents", i, "spiffe"], "not acted on by this version: such callers are refused"),
            ),
          ],
    ),
  };
}
