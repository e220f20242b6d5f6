import type { Runtime } from "../runtime.js";
import {
  checkAnswer,
  checkFilter,
  checkLook,
  checkMark,
  checkName,
  checkOnce,
  checkSettle,
  checkUsage,
} from "./check.js";
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
    checkSettle(request);
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

  return {
    shared: false,
    registry: memoryRegistry({ now }),
    look: async (request) => {
      checkLook(request);
      const { agent, session, tool, learningMs, approval } = request;
      const nowMs = now();
      return {
        session: sessions.get(agent, session, nowMs),
        newTool: sessions.isNewTool(agent, tool, learningMs, nowMs),
        approval: approval === null ? null : approvals.get(approval, agent, nowMs),
      };
    },
    settle: async (request) => settle(request),
    sessionAgents: async (session) => {
      checkName("session", session);
      return sessions.agentsOf(session, now());
    },
    approval: async (id, agent) => {
      checkName("id", id);
      if (agent !== undefined) checkName("agent", agent);
      return approvals.get(id, agent, now());
    },
    approvals: async (filter) => {
      checkFilter(filter);
      return approvals.list(filter, now());
    },
    answer: async (id, answer) => {
      checkAnswer(id, answer);
      return approvals.answer(id, answer, now());
    },
    mark: async ({ id, agent }, name, value) => {
      checkMark(id, agent, name);
      return approvals.mark(id, agent, name, value, now());
    },
    marked: async ({ id, agent }, name) => {
      checkMark(id, agent, name);
      return approvals.marked(id, agent, name, now());
    },
    once: async (name, ttlMs) => {
      checkOnce(name, ttlMs);
      const nowMs = now();
      if (named.get(name, nowMs)) return false;
      named.set(name, true, nowMs + ttlMs, nowMs);
      return true;
    },
    usage: async (request) => {
      checkUsage(request);
      const nowMs = now();
      return { nowMs, ...limits.usage(nowMs, request), pending: approvals.pendingOf(request.agent, nowMs) };
    },
    ping: async (owner) => {
      if (typeof owner === "string") checkName("owner", owner);
      now();
    },
    partOf: () => "",
    close: async () => {
      closed = true;
    },
  };
}
