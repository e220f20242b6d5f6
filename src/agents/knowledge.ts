import { unreadableAgent } from "../store/agent_codec.js";
import { ExpiringMap } from "../store/expiring_map.js";
import {
  type AgentFlag,
  type RegistryChanges,
  type RevokedToken,
  revocationGraceMs,
  type StoredAgent,
} from "../store/shared_registry.js";
import { Flags } from "./flags.js";
import type { AgentProofs } from "./proof.js";

export type Changed = Pick<RegistryChanges, "agents" | "flags" | "revoked">;

/** What one process knows of what processes share. */
export class Knowledge {
  /** What is acted on. One that carries no proof is there as `unreadableAgent`, unless a newer one is known. */
  readonly agents = new Map<string, StoredAgent>();
  readonly flags: Flags;
  readonly revoked = new ExpiringMap<string, RevokedToken>();
  readonly #proofs: AgentProofs;
  /** The newest of each agent that was proven. */
  readonly #newest: Map<string, StoredAgent>;
  /** What the store holds of agents instead of what is known: a proven revision, or `null`. */
  readonly #others = new Map<string, number | null>();

  constructor(proofs: AgentProofs, before?: Knowledge) {
    this.#proofs = proofs;
    this.#newest = new Map(before ? before.#newest : []);
    this.flags = before?.flags.again() ?? new Flags(proofs);
  }

  /** Returns the ids of agents of which there is something that is not acted on. */
  apply(changes: Changed, nowMs: number): Set<string> {
    const passedOver = new Set<string>();
    for (const agent of changes.agents) if (!this.#apply(agent)) passedOver.add(agent.id);
    for (const flag of changes.flags) if (!this.flags.apply(flag)) passedOver.add(flag.id);
    for (const token of changes.revoked) this.revoke(token, nowMs);
    return passedOver;
  }

  revoke(token: RevokedToken, nowMs: number): void {
    this.revoked.set(token.jti, token, token.expiresAtMs + revocationGraceMs, nowMs);
  }

  /** True when the store holds something of the agent that is not acted on. */
  isDoubtful(id: string): boolean {
    return this.#others.has(id);
  }

  doubt(id: string): void {
    this.#others.set(id, null);
  }

  /** For reading everything again: knows nothing but what must not come back. */
  again(): Knowledge {
    return new Knowledge(this.#proofs, this);
  }

  /**
   * Completes what was read again by what was known before, so that no loss in the store makes anything valid again, and
   * tells what is missing there.
   */
  keep(known: Knowledge, nowMs: number): Lost {
    const lost: Lost = { agents: [], flags: this.flags.keep(known.flags), revoked: [] };
    for (const [id, agent] of this.#newest) {
      const over = this.agents.has(id) ? this.#others.get(id) : 0;
      if (!this.agents.has(id)) this.agents.set(id, known.agents.get(id) ?? agent);
      // Nothing goes over what is not ours: it shows that somebody else was there.
      if (typeof over === "number" && over < agent.revision) lost.agents.push({ agent, over });
    }
    for (const token of known.revoked.values(nowMs)) {
      if (this.revoked.get(token.jti, nowMs)) continue;
      lost.revoked.push(token);
      this.revoke(token, nowMs);
    }
    return lost;
  }

  #apply(agent: StoredAgent): boolean {
    const { id, revision } = agent;
    const newest = this.#newest.get(id);
    const proven = revision > 0 && this.#proofs.holdsOfAgent(agent);
    if (proven && !(newest && isOlder(agent, newest))) {
      this.#newest.set(id, agent);
      this.#others.delete(id);
      this.agents.set(id, agent);
      return true;
    }
    this.#others.set(id, proven ? revision : null);
    // What claims to be no newer than what is known changes nothing, and what is disabled stays so.
    const goesOn = newest && (proven || newest.disabled || (revision > 0 && revision <= newest.revision));
    this.agents.set(id, goesOn ? newest : unreadableAgent(id));
    return false;
  }
}

/** Revisions count from 1 again when an agent is registered anew. */
function isOlder(agent: StoredAgent, other: StoredAgent): boolean {
  if (agent.createdAtMs !== other.createdAtMs) return agent.createdAtMs < other.createdAtMs;
  return agent.revision < other.revision;
}

/** What a store does not have any more, each with the revision that it is to be written over (`null` = any). */
export interface Lost {
  agents: { agent: StoredAgent; over: number }[];
  flags: { flag: AgentFlag; over: number | null }[];
  revoked: RevokedToken[];
}
