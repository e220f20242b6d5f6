import { z } from "zod";

/** An agent's id as policies name it; `*` stands for agents without a policy of their own. */
export const agentName = z
  .string()
  .regex(/^(\*|[A-Za-z0-9][A-Za-z0-9._@:/-]{0,127})$/, 'an agent id is letters, digits and . _ @ : / - (or "*")');

/** A tool's name as policies name it. `instead` says what stands for every tool. */
export function toolName(instead: string) {
  return z.string().regex(/^[A-Za-z0-9._-]+$/, `a tool name is letters, digits and . - _ (${instead})`);
}
