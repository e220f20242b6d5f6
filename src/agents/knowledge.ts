import { ExpiringMap } from "../store/expiring_map.js";
import {
  type RegistryChanges,
  type RevokedToken,
  revocationGraceMs,
  type StoredAgent,
} from "../store/shared_registry.js";

/** What one process knows of what processes share. */
export class Knowledge {
  readonly agents = new Map<string, StoredAgent>();
  /** True or false of agents that were disabled or enabled by their id. */
  readonly flags = new Map<string, boolean>();
  readonly revoked = new ExpiringMap<string, RevokedToken>();

  /** True when agents have changed. */
  apply(changes: Pick<RegistryChanges, "agents" | "disabled" | "revoked">, nowMs: number): boolean {
    for (const agent of changes.agents) this.agents.set(agent.id, agent);
    for (const { id, disabled } of changes.disabled) this.flags.set(id, disabled);
    for (const token of changes.revoked) this.revoke(token, nowMs);
    return changes.agents.length + changes.disabled.length > 0;
  }

  revoke(token: RevokedToken, nowMs: number): void {
    this.revoked.set(token.jti, token, token.expiresAtMs + revocationGraceMs, nowMs);
  }

  disabled(): Set<string> {
    return new Set([...this.flags].filter(([, disabled]) => disabled).map(([id]) => id));
  }
}

/** What a store does not have any more. */
export interface Lost {
  /** Each with the revision that it is to be written over. */
  agents: { agent: StoredAgent; over: number }[];
  disabled: string[];
  revoked: RevokedToken[];
}

/**
 * Completes what is left in a store by what was known before, so that no loss there makes anything valid again, and tells
 * what was missing.
 */
export function keep(known: Knowledge, left: Knowledge, nowMs: number): Lost {
  const lost: Lost = { agents: [], disabled: [], revoked: [] };
  for (const agent of known.agents.values()) {
    const there = left.agents.get(agent.id);
    // What was created anew, or cannot be read, is another agent than the one that was known.
    const same = there === undefined || there.createdAtMs === agent.createdAtMs;
    if (!same || (there && there.revision >= agent.revision)) continue;
    lost.agents.push({ agent, over: there?.revision ?? 0 });
    left.agents.set(agent.id, agent);
  }
  for (const id of known.disabled()) {
    if (left.flags.get(id)) continue;
    lost.disabled.push(id);
    left.flags.set(id, true);
  }
  for (const token of known.revoked.values(nowMs)) {
    if (left.revoked.get(token.jti, nowMs)) continue;
    lost.revoked.push(token);
    left.revoke(token, nowMs);
  }
  return lost;
}
