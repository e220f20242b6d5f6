import { RecentMap } from "../recent_map.js";
import type { Charge, Counters, KnownCounters, SettleRequest, SettleResult, Store } from "./store.js";

/** Agents, and likewise sessions of agents, whose counters a process remembers. */
const remembersMost = 10_000;

/** Larger counters are nobody's spending: to put them back would leave no number for the calls to come. */
const largest = 2 ** 52;

/** Redis rounds the time that a key has left to milliseconds; what is known must not seem to end later than it does. */
const roundingMs = 10;

/** What is known of an agent, or of a session of one: all members are there, those of the other are empty. */
interface Noted {
  /** The store's clock. */
  nowMs: number;
  /** What only grows while the store remembers it. */
  grown: number;
  untilMs: number;
  known: KnownCounters;
}

/** What one process knows of enforced counters, from what the store said of them. */
export class CountersSeen {
  readonly #now: () => number;
  readonly #agents: RecentMap<string, Noted>;
  readonly #sessions: RecentMap<string, Noted>;
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
    return together(noted?.known ?? null, session.known);
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
    const { nowMs, charges, tatUs, day, spentMicro, sessionSpentMicro, lostAtMs } = counters;
    this.#aheadMs = nowMs - Math.floor(this.#now());
    if (Math.max(charges, tatUs ?? 0, spentMicro, sessionSpentMicro) > largest) return;
    const keptUntilMs = Math.max(0, counters.keptUntilMs - roundingMs);
    const known: KnownCounters = {
      charges,
      tatUs,
      day,
      spentMicro,
      sessionSpentMicro: 0,
      keptUntilMs,
      sessionKeptUntilMs: 0,
      lostAtMs,
      sessionLostAtMs: null,
    };
    keepNewest(this.#agents, agent, { nowMs, grown: charges, untilMs: keptUntilMs, known });
    const { sessionBudget } = enforced;
    if (!sessionBudget) return;
    const sessionKeptUntilMs = Math.max(0, counters.sessionKeptUntilMs - roundingMs);
    keepNewest(this.#sessions, keyOf(agent, sessionBudget.session), {
      nowMs,
      grown: sessionSpentMicro,
      untilMs: sessionKeptUntilMs,
      known: together(null, { ...known, sessionSpentMicro, sessionKeptUntilMs, sessionLostAtMs: lostAtMs }),
    });
  }
}

/** Nearly all calls have the first one alone, and that is given as it was noted. */
function together(ofAgent: KnownCounters | null, ofSession: KnownCounters): KnownCounters {
  return {
    charges: ofAgent?.charges ?? 0,
    tatUs: ofAgent?.tatUs ?? null,
    day: ofAgent?.day ?? 0,
    spentMicro: ofAgent?.spentMicro ?? 0,
    sessionSpentMicro: ofSession.sessionSpentMicro,
    keptUntilMs: ofAgent?.keptUntilMs ?? 0,
    sessionKeptUntilMs: ofSession.sessionKeptUntilMs,
    lostAtMs: ofAgent?.lostAtMs ?? null,
    sessionLostAtMs: ofSession.sessionLostAtMs,
  };
}

/** Replies come in any order. What only grows tells it, unless it has ended meanwhile and begun again. */
function keepNewest(notes: RecentMap<string, Noted>, key: string, reply: Noted): void {
  if (reply.grown === 0) return;
  const before = notes.get(key);
  const counts = before !== undefined && before.untilMs > reply.nowMs;
  const older = counts && (reply.grown < before.grown || (reply.grown === before.grown && reply.nowMs < before.nowMs));
  if (!older) notes.set(key, reply);
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
