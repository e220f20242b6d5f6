import { z } from "zod";

/** Type of an agent token (RFC 9068 section 2.1). Every other kind of token has another one. */
export const agentTokenType = "at+jwt";

/** Longest token that is looked at, in bytes. Proxies refuse header blocks of more than that anyway. */
export const maxTokenBytes = 8_192;

/** Three base64url parts (RFC 7515 section 7.1). The last may be empty, so that `alg: none` is told as what it is. */
export const compactForm = /^[\w-]+\.[\w-]+\.[\w-]*$/;

const visible = z.string().regex(/^[!-~]{1,128}$/);
const text = z.string().regex(/^[^\p{Cc}\p{Cf}]{1,256}$/u);
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
  jti: visible,
  /** `tool:action` patterns separated by spaces. */
  scope: z.string().optional(),
  /** Not one that names an open session: those belong to tokens that bind none. */
  session_id: visible.regex(/^(?!open:)/).optional(),
  workflow_run_id: text.optional(),
  initiated_by: text.optional(),
  role: text.optional(),
  clearance: text.optional(),
  agent_model: text.optional(),
  /** What the issuer vouches for, such as `artifact_signed`. */
  facts: z.record(z.string(), z.json()).optional(),
});

export type AgentClaims = z.infer<typeof agentClaims>;

/** A copy without the members that are `undefined`. */
export function present<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
