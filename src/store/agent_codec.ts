import { z } from "zod";
import type { AgentFlag, StoredAgent } from "./shared_registry.js";

const revision = z.int().min(1);
const proof = z.string().max(4096);

const agent = z.strictObject({
  id: z.string(),
  model: z.string().exactOptional(),
  scopes: z.array(z.string()),
  roles: z.array(z.string()),
  spiffe: z.array(z.string()),
  disabled: z.boolean(),
  keys: z.array(z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), untilMs: z.int().exactOptional() })),
  createdAtMs: z.int().min(0),
  revision,
  proof,
}) satisfies z.ZodType<StoredAgent>;

const flag = z.strictObject({ id: z.string(), disabled: z.boolean(), revision, proof }) satisfies z.ZodType<AgentFlag>;

export function encode(given: StoredAgent | AgentFlag): string {
  return JSON.stringify(given);
}

/** `null` for text that is not what `encode` writes of the agent of that id. */
export function decodeAgent(id: string, text: string): StoredAgent | null {
  return decode(agent, id, text);
}

/** `null` for text that is not what `encode` writes of the flag of that id. */
export function decodeFlag(id: string, text: string): AgentFlag | null {
  return decode(flag, id, text);
}

function decode<T extends { id: string }>(form: z.ZodType<T>, id: string, text: string): T | null {
  try {
    const parsed = form.safeParse(JSON.parse(text));
    return parsed.success && parsed.data.id === id ? parsed.data : null;
  } catch {
    return null;
  }
}

/** What stands for an agent that cannot be read: nobody proves to be it, and it may do nothing. */
export function unreadableAgent(id: string): StoredAgent {
  return { id, scopes: [], roles: [], spiffe: [], disabled: true, keys: [], createdAtMs: 0, revision: 0, proof: "" };
}

/** What stands for a flag that cannot be read. */
export function unreadableFlag(id: string): AgentFlag {
  return { id, disabled: true, revision: 0, proof: "" };
}
