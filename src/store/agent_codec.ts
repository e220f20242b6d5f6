import { z } from "zod";
import type { StoredAgent } from "./shared_registry.js";

const agent = z.strictObject({
  id: z.string(),
  model: z.string().exactOptional(),
  scopes: z.array(z.string()),
  roles: z.array(z.string()),
  spiffe: z.array(z.string()),
  disabled: z.boolean(),
  keys: z.array(z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), untilMs: z.int().exactOptional() })),
  createdAtMs: z.int().min(0),
  revision: z.int().min(1),
}) satisfies z.ZodType<StoredAgent>;

export function encodeAgent(given: StoredAgent): string {
  return JSON.stringify(given);
}

/** `null` for text that is not what `encodeAgent` writes of the agent of that id. */
export function decodeAgent(id: string, text: string): StoredAgent | null {
  try {
    const parsed = agent.safeParse(JSON.parse(text));
    return parsed.success && parsed.data.id === id ? parsed.data : null;
  } catch {
    return null;
  }
}

/** What stands for an agent that cannot be read: nobody proves to be it, and it may do nothing. */
export function unreadableAgent(id: string): StoredAgent {
  return { id, scopes: [], roles: [], spiffe: [], disabled: true, keys: [], createdAtMs: 0, revision: 0 };
}
