import { type Statement, signStatement, verifyStatement } from "../approvals/statement.js";
import { canonicalJson, sha256Hex } from "../canonical.js";
import type { SigningKey, VerifyKey } from "../keys/keys.js";
import type { AgentFlag, StoredAgent } from "../store/shared_registry.js";

/** JWS `typ` of what the server says of a registered agent. */
const agentType = "agent+jwt";
/** JWS `typ` of what the server says of an agent that was disabled or enabled by its id. */
const flagType = "agent-flag+jwt";
const audiences = { [agentType]: "urn:countersign:agent", [flagType]: "urn:countersign:agent-flag" } as const;

/** Anything that processes share of an agent and that carries a proof. */
type Proven = { id: string; revision: number; proof: string };
type Type = keyof typeof audiences;

/**
 * Signs what processes share of agents and checks what others wrote: the store keeps it and proves nothing. Processes that
 * share a store share the key.
 */
export class AgentProofs {
  readonly #key: SigningKey;
  readonly #accepted: readonly VerifyKey[];

  /** `accepted` are keys that were used before; what they signed holds too. */
  constructor(key: SigningKey, accepted: readonly VerifyKey[] = []) {
    this.#key = key;
    this.#accepted = [key, ...accepted];
  }

  agent(unsigned: Omit<StoredAgent, "proof"> & { proof?: string }): StoredAgent {
    return { ...unsigned, proof: signStatement(this.#key, statementOf(agentType, unsigned)) };
  }

  flag(unsigned: Omit<AgentFlag, "proof">): AgentFlag {
    return { ...unsigned, proof: signStatement(this.#key, statementOf(flagType, unsigned)) };
  }

  holdsOfAgent(agent: StoredAgent): boolean {
    return this.#holds(agentType, agent);
  }

  holdsOfFlag(flag: AgentFlag): boolean {
    return this.#holds(flagType, flag);
  }

  #holds(typ: Type, proven: Proven): boolean {
    try {
      const statement = statementOf(typ, proven);
      return this.#accepted.some((key) => verifyStatement(key, proven.proof, statement));
    } catch {
      // Text that is not Unicode has no canonical form, so nobody can have signed it.
      return false;
    }
  }
}

/** `content` is SHA-256 over the RFC 8785 form of everything but the proof. */
function statementOf(typ: Type, { proof: _, ...content }: Omit<Proven, "proof"> & { proof?: string }): Statement {
  const { id, revision } = content;
  const digest = `sha256:${sha256Hex(canonicalJson(content))}`;
  return { typ, payload: { aud: audiences[typ], agent_id: id, revision, content: digest } };
}
