import { systemRuntime } from "../../src/runtime.js";
import { dayMs } from "../../src/store/budget.js";
import { withFallback } from "../../src/store/fallback.js";
import { CountersSeen, remembering } from "../../src/store/known.js";
import type { waitMost } from "../../src/store/missed.js";
import type { Charge, Observation, Store } from "../../src/store/store.js";
import { until } from "../harness/until.js";
import { losable } from "./losable.js";
import { callOf } from "./subject.js";

export interface FallbackSubject {
  store: Store;
  trouble(): string | null;
  /** What was told, in order. */
  events: string[];
  counts: { local: number; waiting: number; dropped: number };
}

/** One process's view of a store that may be away. */
export function fallbackOver(
  store: Store,
  {
    fraction,
    most,
    waitMs = 300,
    now = Date.now,
  }: {
    fraction: number;
    most?: typeof waitMost;
    waitMs?: number;
    now?: () => number;
  },
): FallbackSubject {
  const runtime = { ...systemRuntime, now };
  const events: string[] = [];
  const counts = { local: 0, waiting: 0, dropped: 0 };
  const seen = new CountersSeen(runtime);
  const remembered = remembering(store, { seen, onLost: (agent) => events.push(`lost ${agent}`) });
  const fallback = withFallback(remembered, {
    fraction,
    runtime,
    waitMs,
    seen,
    tellEveryMs: 0,
    onAway: () => events.push("away"),
    onBack: () => events.push("back"),
    onLocal: () => {
      counts.local += 1;
    },
    onWaiting: (count) => {
      counts.waiting = count;
    },
    onDropped: (count) => {
      counts.dropped += count;
    },
    ...(most && { most }),
  });
  return { ...fallback, events, counts };
}

/** A call that passes, of a session. */
export function seenCall(session: string, detail: string, more: Partial<Observation> = {}): Observation {
  return {
    session,
    bound: true,
    known: {},
    ttlMs: 3_600_000,
    outcome: "passed",
    refusal: null,
    detail,
    tool: "crm",
    classification: [],
    tags: [],
    indicators: [],
    outside: null,
    burst: { refusals: 50, withinMs: 60_000 },
    learningMs: 3_600_000,
    ...more,
  };
}

export const lookAt = (agent: string, session: string) => ({
  agent,
  session,
  tool: null,
  learningMs: 0,
  approval: null,
});

export const midnight = Date.UTC(2030, 0, 1);
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const daily = (limitMicro: number, costMicro = 1): Charge => ({ budget: { limitMicro, costMicro } });

/** A process over a store that can be away, with a clock of its own. */
export function subject(options: Partial<Parameters<typeof fallbackOver>[1]> = {}) {
  let now = midnight;
  const server = losable(() => now);
  const process = () => fallbackOver(server.store, { fraction: 0.2, now: () => now, ...options });
  const first = process();
  const { store } = first;
  const passes = async (agent: string, charge: Charge, more = {}) =>
    (await store.settle(callOf(agent, charge, more))).enforced.outcome === "ok";
  /** How many of so many calls pass. */
  const passing = async (agent: string, charge: Charge, calls: number) => {
    let passed = 0;
    for (let n = 0; n < calls; n++) if (await passes(agent, charge)) passed += 1;
    return passed;
  };
  const back = async () => {
    server.away = false;
    await until(() => first.trouble() === null, { what: "the store to be back" });
  };
  const advance = async (_: string, ms: number) => {
    now += ms;
  };
  const startOfDay = async () => {
    now = Math.ceil(now / dayMs) * dayMs;
  };
  return { ...first, process, server, passes, passing, back, advance, startOfDay, driftMs: () => 0, end: store.close };
}
