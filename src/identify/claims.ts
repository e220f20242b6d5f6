import { z } from "zod";
import { readable, taskForm, visible } from "../issuers/values.js";

/** Type of an agent token (RFC 9068 section 2.1). Every other kind of token has another one. */
export const agentTokenType = "at+jwt";

const seconds = z.number().nonnegative();

/** What an agent token says. Claims that are not named here mean nothing and are ignored. */
export const agentClaims = z.object({
  iss: z.string(),
  /** Id of the agent. */
  sub: visible,
  aud: z.union([z.string(), z.array(z.string())]),
  /** Seconds since the Unix epoch. */
  exp: seconds,
  iat: seconds,
  nbf: seconds.optional(),
  jti: visible,
  /** `tool:action` patterns separated by spaces. */
  scope: z.string().optional(),
  /** Not one that names an open session: those belong to tokens that bind none. */
  session_id: visible.regex(/^(?!open:)/).optional(),
  workflow_run_id: readable.optional(),
  initiated_by: readable.optional(),
  role: readable.optional(),
  clearance: readable.optional(),
  agent_model: readable.optional(),
  /** What the issuer vouches for, such as `artifact_signed`. */
  facts: z.record(z.string(), z.json()).optional(),
  /** What the session is for: each member lists what a call may name. */
  task: taskForm.optional(),
});

export type AgentClaims = z.infer<typeof agentClaims>;
