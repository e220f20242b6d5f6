import type { Runtime } from "../runtime.js";
import { checkAnswer, checkFilter, checkLook, checkName, checkSettle } from "./check.js";
import { ExpiringMap } from "./expiring_map.js";
import { forgettableAtMs, type LimitState, unused, weigh } from "./limits.js";
import { MemoryApprovals } from "./memory_approvals.js";
import { memoryRegistry } from "./memory_registry.js";
import { MemorySessions } from "./memory_sessions.js";
import { becomes } from "./observed.js";
import { idempotencyMs, type SettleRequest, type SettleResult, type Store, StoreUnavailable } from "./store.js";

/**
 * The store of one process: nothing is shared, nothing survives. It behaves as the Redis store does, atomic because
 * no step of it waits.
 */
export function memoryStore(runtime: Runtime): Store {
  const enforced = new ExpiringMap<string, LimitState>();
  const shadow = new ExpiringMap<string, LimitState>();
  const settled = new ExpiringMap<string, SettleResult>();
  const approvals = new MemoryApprovals();
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
    if (first) return { ...structuredClone(first), replayed: true, session: null };

    const limits = weigh(nowMs * 1000, enforced.get(request.agent, nowMs) ?? unused, request.enforced);
    const shadowed = request.shadow && weigh(nowMs * 1000, shadow.get(request.agent, nowMs) ?? unused, request.shadow);
    const approval = limits.outcome.outcome === "ok" ? settleApproval(request, nowMs) : ({ outcome: "none" } as const);
    const charges = request.approval.kind === "none" || approval.outcome === "redeemed";
    const result = {
      replayed: false,
      session: null,
      enforced: limits.outcome,
      shadow: shadowed?.outcome ?? null,
      approval,
    };

    let changed = approval.outcome === "redeemed" || (approval.outcome === "opened" && approval.fresh);
    for (const [counters, next] of [
      [enforced, limits.next],
      [shadow, shadowed?.next ?? null],
    ] as const) {
      if (!charges || next === null) continue;
      counters.set(request.agent, next, forgettableAtMs(next), nowMs);
      changed = true;
    }
    if (changed) settled.set(settledKey, structuredClone(result), nowMs + idempotencyMs, nowMs);
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
    ping: async () => {
      now();
    },
    close: async () => {
      closed = true;
    },
  };
}
