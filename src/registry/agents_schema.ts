import { z } from "zod";
import { id, secretHash, word } from "./fields.js";
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
