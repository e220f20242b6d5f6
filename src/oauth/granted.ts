import type { Grant } from "../issuers/issuers.js";
import type { Agent } from "../registry/registry.js";

/** What a grant gives, before scope and task are asked for. */
export interface Granted {
  /** Registered and active. */
  agent: Agent;
  /** `tool:action` patterns that bound the token beside those that are registered. */
  scopes: readonly string[] | undefined;
  /** What the token says of the session; empty for one that binds none. */
  session: Grant["session"];
  agent_model: string | undefined;
  facts: Grant["facts"];
  /** As in `AdminRecord`. */
  by: string;
  grant_type: string;
  /** The token that was exchanged. */
  subject: Grant["subject"] | null;
  /** Of an exchange only (RFC 8693 section 2.2.1). */
  issued_token_type: string | undefined;
}
