import { systemRuntime } from "../../src/runtime.js";
import { withFallback } from "../../src/store/fallback.js";
import { CountersSeen, remembering } from "../../src/store/known.js";
import type { waitMost } from "../../src/store/missed.js";
import type { Observation, Store } from "../../src/store/store.js";

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
