/** Why an agent is not registered or changed. */
export const agentErrors = {
  unknown_agent: { status: 404 },
  agent_exists: { status: 409 },
  spiffe_taken: { status: 409 },
  agent_in_file: { status: 409 },
  disabled_in_file: { status: 409 },
  too_many_keys: { status: 409 },
  agent_unreadable: { status: 409 },
  changed_meanwhile: { status: 409 },
} as const;

export type AgentErrorCode = keyof typeof agentErrors;

/** A change of an agent that does not happen; `message` may be shown to whoever asked for it. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: AgentErrorCode;
  /** As an HTTP status. */
  readonly status: (typeof agentErrors)[AgentErrorCode]["status"];

  constructor(code: AgentErrorCode, message: string) {
    super(message);
    this.code = code;
    this.status = agentErrors[code].status;
  }
}

export function unknownAgent(id: string): AgentError {
  return new AgentError("unknown_agent", `there is no agent ${id}`);
}
