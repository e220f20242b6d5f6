import type { Runtime } from "../runtime.js";
import { checked } from "./checked.js";
import { ExpiringMap } from "./expiring_map.js";
import { MemoryApprovals } from "./memory_approvals.js";
import { MemoryLimits } from "./memory_limits.js";
import { memoryRegistry } from "./memory_registry.js";
import { MemorySessions } from "./memory_sessions.js";
import { becomes } from "./observed.js";
import { idempotencyMs, type SettleRequest, type SettleResult, type Store, StoreUnavailable } from "./store.js";

/**
 * The store of one process: nothing is shared, nothing survives. It behaves as the Redis store does, atomic because
 * no step of it waits.
 */
export function memoryStore(runtime: Runtime, limits = new MemoryLimits()): Store {
  const settled = new ExpiringMap<string, SettleResult>();
  const approvals = new MemoryApprovals();
  const named = new ExpiringMap<string, true>();
  const sessions = new MemorySessions();
  let closed = false;

  function now(): number {
    if (closed) throw new StoreUnavailable("the store is closed");
    return Math.floor(runtime.now());
  }

  function settle(request: SettleRequest): SettleResult {
    const nowMs = now();
    const settledKey = JSON.stringify([request.agent, request.key]);
    const first = settled.get(settledKey, nowMs);
    if (first) return { ...structuredClone(first), replayed: true };

    const weighed = limits.weigh(nowMs, request);
    const approval =
      weighed.enforced.outcome === "ok" ? settleApproval(request, nowMs) : ({ outcome: "none" } as const);
    const charges = request.approval.kind === "none" || approval.outcome === "redeemed";
    const charged = weighed.settle(charges);
    const result = {
      replayed: false,
      session: null,
      enforced: weighed.enforced,
      shadow: weighed.shadow,
      counters: charged.counters,
      warnings: charged.warnings,
      approval,
    };

    const changed = approval.outcome === "redeemed" || (approval.outcome === "opened" && approval.fresh);
    if (changed || charged.changed) {
      const kept = { ...structuredClone(result), counters: null, warnings: [] };
      settled.set(settledKey, kept, nowMs + idempotencyMs, nowMs);
    }
    const { observation: seen } = request;
    return seen ? { ...result, session: sessions.observe(request.agent, seen, becomes(seen, result), nowMs) } : result;
  }

  function settleApproval({ agent, approval }: SettleRequest, nowMs: number): SettleResult["approval"] {
    switch (approval.kind) {
      case "none":
        return { outcome: "none" };
      case "open":
        return approvals.open(approval.draft, approval.maxPending, nowMs);
      case "redeem":
        return approvals.redeem(agent, approval.id, approval.fingerprint, nowMs);
      default:
        return approval satisfies never;
    }
  }

  return checked({
    shared: false,
    registry: memoryRegistry({ now }),
    look: async (request) => {
      const { agent, session, tool, learningMs, approval } = request;
      const nowMs = now();
      return {
        session: sessions.get(agent, session, nowMs),
        newTool: sessions.isNewTool(agent, tool, learningMs, nowMs),
        approval: approval === null ? null : approvals.get(approval, agent, nowMs),
      };
    },
    settle: async (request) => settle(request),
    sessionAgents: async (session) => sessions.agentsOf(session, now()),
    approval: async (id, agent) => approvals.get(id, agent, now()),
    approvals: async (filter) => approvals.list(filter, now()),
    answer: async (id, answer) => approvals.answer(id, answer, now()),
    mark: async ({ id, agent }, name, value) => approvals.mark(id, agent, name, value, now()),
    marked: async ({ id, agent }, name) => approvals.marked(id, agent, name, now()),
    once: async (name, ttlMs) => {
      const nowMs = now();
      if (named.get(name, nowMs)) return false;
      named.set(name, true, nowMs + ttlMs, nowMs);
      return true;
    },
    usage: async (request) => {
      const nowMs = now();
      return { nowMs, ...limits.usage(nowMs, request), pending: approvals.pendingOf(request.agent, nowMs) };
    },
    ping: async () => {
      now();
    },
    partOf: () => "",
    close: async () => {
      closed = true;
    },
  });
}
