import type { Runtime } from "../runtime.js";
import { Availability, type AvailabilityOptions } from "./availability.js";
import { dayMs } from "./budget.js";
import { checkLook, checkSettle } from "./check.js";
import type { CountersSeen } from "./known.js";
import { memoryStore } from "./memory.js";
import { MemoryLimits } from "./memory_limits.js";
import { Missed, type MissedOptions } from "./missed.js";
import { becomes } from "./observed.js";
import { shareOf } from "./share.js";
import { type Owner, type SettleRequest, type SettleResult, type Store, StoreUnavailable } from "./store.js";

/** How long a process that ends goes on telling the store what it has missed, in milliseconds. */
const lastWordsMs = 2_000;

export interface FallbackOptions
  extends Pick<MissedOptions, "onWaiting" | "onDropped" | "most">,
    Pick<AvailabilityOptions, "onAway" | "onBack" | "tellEveryMs"> {
  /** Share of each limit that this process gives out by itself: from above 0 to 1. */
  fraction: number;
  runtime: Runtime;
  /** Longest time one method of the store takes, in milliseconds. */
  waitMs: number;
  /** What is known of the store's counters. */
  seen: CountersSeen;
  /** A call was settled here. */
  onLocal: () => void;
}

export interface Fallback {
  store: Store;
  /** For the operator: what is not as it should be; `null` while everything goes to the store. */
  trouble(): string | null;
}

/**
 * A store that goes on without the one below it, with a share of each limit: what the store lets through is bounded by
 * the limits, and what this process lets through besides by `fraction` of them (of a rate at least one call at once),
 * however often the store is away. Only calls that ask for no approval are settled so: what people answer and what can be
 * used once needs the store that all share, and so does what a session did before. What sessions would have remembered
 * meanwhile is told to the store before anything else of the same agent.
 */
export function withFallback(store: Store, options: FallbackOptions): Fallback {
  const { fraction, runtime, waitMs, seen } = options;
  const now = (): number => Math.floor(runtime.now() + seen.aheadMs);
  const limits = new MemoryLimits();
  const local = memoryStore({ ...runtime, now }, limits);
  const availability = new Availability({ ...options, store, monotonicMicros: runtime.monotonicMicros });
  const missed = new Missed({
    ...options,
    store,
    id: () => runtime.id(),
    away: (agent) => availability.away(agent) !== null,
    onFailure: (agent) => availability.suspect(agent),
  });
  let closed = false;

  /** Asks the store where it is of use, after it was told what it has missed of the agent. */
  async function ask<T>(agent: string, question: () => Promise<T>): Promise<T> {
    refuseWhileAway(agent);
    if (missed.owes(agent) && !(await within(waitMs, missed.told(agent)))) {
      throw new StoreUnavailable("the store does not know yet what the agent did while it was away");
    }
    try {
      return await question();
    } catch (error) {
      if (error instanceof StoreUnavailable && !closed) availability.failed(agent, error);
      throw error;
    }
  }

  function refuseWhileAway(owner: Owner): void {
    if (closed) throw new StoreUnavailable("the store is closed");
    const cause = availability.away(owner);
    if (cause) throw new StoreUnavailable("the store does not answer", { cause });
  }

  /**
   * The store prolongs a session with each call of it: what was given out of its share must not be forgotten before. For
   * a day at least, since the session may live by what other processes let through.
   */
  function keepShare(agent: string, { sessionBudget }: SettleRequest["enforced"]): void {
    if (!sessionBudget) return;
    const nowMs = now();
    limits.prolong(agent, sessionBudget.session, nowMs + Math.max(sessionBudget.ttlMs, dayMs), nowMs);
  }

  async function settleHere({ key, agent, ...request }: SettleRequest): Promise<SettleResult> {
    const { observation, shadow } = request;
    if (observation && !missed.hasRoom(agent)) {
      throw new StoreUnavailable("the store does not answer, and no more can be kept of what it misses");
    }
    const nowMs = now();
    const known = seen.of({ agent, enforced: request.enforced });
    const result = await local.settle({
      agent,
      key,
      enforced: shareOf(request.enforced, fraction, nowMs, known),
      ...(shadow && { shadow: shareOf(shadow, fraction, nowMs, null) }),
      approval: request.approval,
    });
    keepShare(agent, request.enforced);
    if (observation && !result.replayed) missed.add(agent, { ...observation, ...becomes(observation, result) });
    options.onLocal();
    // Its counters and what is used up of them say nothing of the limits.
    return { ...result, counters: null, warnings: [], local: true };
  }

  return {
    trouble() {
      const away = availability.troubles.map(({ message }) => message).join("; ");
      const waiting = missed.count > 0 ? `; ${missed.count} observations wait for it` : "";
      if (away) return `${away}: calls go on with ${fraction} of each limit in this process${waiting}`;
      return missed.count > 0 ? `it answers${waiting}` : null;
    },
    store: {
      ...store,
      look: async (request) => {
        checkLook(request);
        return ask(request.agent, () => store.look(request));
      },
      settle: async (request) => {
        checkSettle(request);
        keepShare(request.agent, request.enforced);
        try {
          return await ask(request.agent, () => store.settle(request));
        } catch (error) {
          if (!(error instanceof StoreUnavailable) || closed || request.approval.kind !== "none") throw error;
          return settleHere(request);
        }
      },
      registry: {
        ...store.registry,
        // Asked for by each call where it is not known who was disabled a moment ago.
        changes: async (from) => {
          refuseWhileAway(null);
          try {
            return await store.registry.changes(from);
          } catch (error) {
            // What is much to read may take too long of a store that answers.
            if (error instanceof StoreUnavailable && !closed) availability.suspect(null);
            throw error;
          }
        },
      },
      close: async () => {
        if (closed) return;
        closed = true;
        if (missed.count > 0) await within(lastWordsMs, missed.tellAll());
        availability.close();
        missed.close();
        await local.close();
        await store.close();
      },
    },
  };
}

/** What a promise resolves to within the time, else false. */
async function within<T>(ms: number, answer: Promise<T>): Promise<T | false> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
