import { checkAgent, checkFlag, checkPin, checkRevoked } from "./check_registry.js";
import { ExpiringMap } from "./expiring_map.js";
import {
  type AgentFlag,
  type RevokedToken,
  revocationGraceMs,
  type SharedRegistry,
  type StoredAgent,
} from "./shared_registry.js";

/** The registry of one process. `clock.now` throws when the store is closed. Behaves as the Redis registry does. */
export function memoryRegistry(clock: { now(): number }): SharedRegistry {
  const agents = new Map<string, { seq: number; agent: StoredAgent }>();
  const flags = new Map<string, { seq: number; flag: AgentFlag }>();
  const revoked = new ExpiringMap<string, { seq: number; token: RevokedToken }>();
  const tasks = new ExpiringMap<string, { task: string; endsAtMs: number }>();
  let seq = 0;

  return {
    changes: async (seen) => {
      const nowMs = clock.now();
      const from = seen === null ? 0 : Number(seen);
      if (!Number.isSafeInteger(from) || from < 0 || from > seq) throw new RangeError("seen is not what changes gave");
      const since = <T extends { seq: number }>(all: Iterable<T>): T[] =>
        from === seq ? [] : [...all].filter((one) => one.seq > from);
      return {
        seen: String(seq),
        agents: since(agents.values()).map(({ agent }) => structuredClone(agent)),
        flags: since(flags.values()).map(({ flag }) => ({ ...flag })),
        revoked: since(revoked.values(nowMs)).map(({ token }) => ({ ...token })),
        more: false,
        lost: false,
      };
    },
    putAgent: async (agent, over = agent.revision - 1) => {
      checkAgent(agent, over);
      clock.now();
      if (over !== null && (agents.get(agent.id)?.agent.revision ?? 0) !== over) return false;
      seq += 1;
      agents.set(agent.id, { seq, agent: structuredClone(agent) });
      return true;
    },
    putFlag: async (flag, over = flag.revision - 1) => {
      checkFlag(flag, over);
      clock.now();
      if (over !== null && (flags.get(flag.id)?.flag.revision ?? 0) !== over) return false;
      seq += 1;
      flags.set(flag.id, { seq, flag: { ...flag } });
      return true;
    },
    revoke: async (token) => {
      checkRevoked(token);
      const nowMs = clock.now();
      const held = revoked.get(token.jti, nowMs);
      const endsAtMs = token.expiresAtMs + revocationGraceMs;
      if (endsAtMs <= nowMs || (held && held.token.expiresAtMs >= token.expiresAtMs)) return;
      seq += 1;
      revoked.set(token.jti, { seq, token: { ...token } }, endsAtMs, nowMs);
    },
    pinTask: async (agent, session, task, ttlMs) => {
      checkPin(agent, session, task, ttlMs);
      const nowMs = clock.now();
      const key = JSON.stringify([agent, session]);
      const held = tasks.get(key, nowMs);
      const holds = held?.task ?? task;
      if (holds === null) return null;
      const endsAtMs = Math.max(held?.endsAtMs ?? 0, nowMs + ttlMs);
      tasks.set(key, { task: holds, endsAtMs }, endsAtMs, nowMs);
      return holds;
    },
  };
}
