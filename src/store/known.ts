import { RecentMap } from "../recent_map.js";
import type { Charge, Counters, KnownCounters, SettleRequest, SettleResult, Store } from "./store.js";

/** Agents, and likewise sessions of agents, whose counters a process remembers. */
const remembersMost = 10_000;

/** Larger counters are nobody's spending: to put them back would leave no number for the calls to come. */
const largest = 2 ** 52;

/** Redis rounds the time that a key has left to milliseconds; what is known must not seem to end later than it does. */
const roundingMs = 10;

/** Says which of two replies is the newer one. */
interface Aged {
  /** The store's clock. */
  nowMs: number;
  /** What only grows while the store remembers it. */
  grown: number;
  untilMs: number;
}

/**
 * What is known of an agent. It is written over by each reply: an object of its own for each would outlive the collections of
 * what is young, and be most of what a call leaves for the slow ones. -1 stands for what is not there, since a member that is
 * now a number and now none takes a place of its own for each number.
 */
class OfAgent implements Aged {
  nowMs = 0;
  grown = 0;
  untilMs = 0;
  private tatUs = -1;
  private day = 0;
  private spentMicro = 0;
  private lostAtMs = -1;

  note(counters: Counters, untilMs: number): void {
    this.nowMs = counters.nowMs;
    this.grown = counters.charges;
    this.untilMs = untilMs;
    this.tatUs = counters.tatUs ?? -1;
    this.day = counters.day;
    this.spentMicro = counters.spentMicro;
    this.lostAtMs = counters.lostAtMs ?? -1;
  }

  /** The members of a session are empty. */
  get known(): KnownCounters {
    return {
      charges: this.grown,
      tatUs: this.tatUs < 0 ? null : this.tatUs,
      day: this.day,
      spentMicro: this.spentMicro,
      sessionSpentMicro: 0,
      keptUntilMs: this.untilMs,
      sessionKeptUntilMs: 0,
      lostAtMs: this.lostAtMs < 0 ? null : this.lostAtMs,
      sessionLostAtMs: null,
    };
  }
}

/** What is known of a session of an agent: `grown` is what it spent. */
interface OfSession extends Aged {
  lostAtMs: number | null;
}

/** What one process knows of enforced counters, from what the store said of them. */
export class CountersSeen {
  readonly #now: () => number;
  readonly #agents: RecentMap<string, OfAgent>;
  readonly #sessions: RecentMap<string, OfSession>;
  /** The last loss of each agent that was heard of. */
  readonly #losses: RecentMap<string, number>;
  #aheadMs = 0;

  constructor(runtime: { now(): number }, most = remembersMost) {
    this.#now = runtime.now;
    this.#agents = new RecentMap(most);
    this.#sessions = new RecentMap(most);
    this.#losses = new RecentMap(most);
  }

  /** So much the store's clock was ahead of ours when it last told the time. */
  get aheadMs(): number {
    return this.#aheadMs;
  }

  /** What the store is to know at least; `null` where nothing is counted, or nothing is known. */
  of({ agent, enforced }: Pick<SettleRequest, "agent" | "enforced">): KnownCounters | null {
    if (!limits(enforced)) return null;
    const { sessionBudget } = enforced;
    const noted = this.#agents.get(agent);
    const session = sessionBudget && this.#sessions.get(keyOf(agent, sessionBudget.session));
    if (!session) return noted ? noted.known : null;
    return together(noted?.known ?? null, session);
  }

  /** True when it tells of a loss that is new to this process, which knew the agent before. */
  note(request: Pick<SettleRequest, "agent" | "enforced">, { counters }: SettleResult): boolean {
    if (!counters || !limits(request.enforced)) return false;
    const isNews = this.#hears(request.agent, counters.lostAtMs);
    this.#remember(request, counters);
    return isNews;
  }

  #hears(agent: string, lostAtMs: number | null): boolean {
    if (lostAtMs === null || lostAtMs <= (this.#losses.get(agent) ?? 0)) return false;
    this.#losses.set(agent, lostAtMs);
    return this.#agents.get(agent) !== undefined;
  }

  #remember({ agent, enforced }: Pick<SettleRequest, "agent" | "enforced">, counters: Counters): void {
    const { nowMs, charges, tatUs, spentMicro, sessionSpentMicro, lostAtMs } = counters;
    this.#aheadMs = nowMs - Math.floor(this.#now());
    if (Math.max(charges, tatUs ?? 0, spentMicro, sessionSpentMicro) > largest) return;
    this.#noteAgent(agent, counters);
    const { sessionBudget } = enforced;
    if (!sessionBudget || sessionSpentMicro === 0) return;
    const key = keyOf(agent, sessionBudget.session);
    const untilMs = surelyUntil(counters.sessionKeptUntilMs);
    if (isOlder(nowMs, sessionSpentMicro, this.#sessions.get(key))) return;
    this.#sessions.set(key, { nowMs, grown: sessionSpentMicro, untilMs, lostAtMs });
  }

  #noteAgent(agent: string, counters: Counters): void {
    if (counters.charges === 0) return;
    const before = this.#agents.get(agent);
    if (isOlder(counters.nowMs, counters.charges, before)) return;
    const noted = before ?? new OfAgent();
    noted.note(counters, surelyUntil(counters.keptUntilMs));
    if (before === undefined) this.#agents.set(agent, noted);
  }
}

/** Nearly all calls have the first one alone. */
function together(ofAgent: KnownCounters | null, ofSession: OfSession): KnownCounters {
  return {
    charges: ofAgent?.charges ?? 0,
    tatUs: ofAgent?.tatUs ?? null,
    day: ofAgent?.day ?? 0,
    spentMicro: ofAgent?.spentMicro ?? 0,
    sessionSpentMicro: ofSession.grown,
    keptUntilMs: ofAgent?.keptUntilMs ?? 0,
    sessionKeptUntilMs: ofSession.untilMs,
    lostAtMs: ofAgent?.lostAtMs ?? null,
    sessionLostAtMs: ofSession.lostAtMs,
  };
}

function surelyUntil(untilMs: number): number {
  return Math.max(0, untilMs - roundingMs);
}

/** Replies come in any order. What only grows tells it, unless it has ended meanwhile and begun again. */
function isOlder(nowMs: number, grown: number, before: Aged | undefined): boolean {
  if (before === undefined || before.untilMs <= nowMs) return false;
  return grown < before.grown || (grown === before.grown && nowMs < before.nowMs);
}

function limits({ rate, toolRate, budget, sessionBudget }: Charge): boolean {
  return rate !== undefined || toolRate !== undefined || budget !== undefined || sessionBudget !== undefined;
}

function keyOf(agent: string, session: string): string {
  return JSON.stringify([agent, session]);
}

/**
 * A store that is told, with each call, what this process knows of its counters, so that what it has lost goes back and
 * is noticed. `onLost` is told of each agent that this process knew, once for each loss, whichever process noticed it.
 */
export function remembering(
  store: Store,
  { seen, onLost }: { seen: CountersSeen; onLost: (agent: string) => void },
): Store {
  return {
    ...store,
    settle: async (request) => {
      const result = await store.settle(request.known ? request : knowing(request, seen.of(request)));
      if (seen.note(request, result)) onLost(request.agent);
      return result;
    },
  };
}

/** Member by member: to spread a request costs several times as much. */
function knowing(request: SettleRequest, known: KnownCounters | null): SettleRequest {
  if (known === null) return request;
  const { agent, key, enforced, approval, shadow, observation } = request;
  // Nearly all are of this form.
  if (shadow === undefined && observation !== undefined) return { agent, key, enforced, approval, observation, known };
  const told: SettleRequest = { agent, key, enforced, approval, known };
  if (shadow !== undefined) told.shadow = shadow;
  if (observation !== undefined) told.observation = observation;
  return told;
}
