import type { Logger } from "pino";
import type { Config } from "../config/schema.js";
import type { Runtime } from "../runtime.js";
import { withFallback } from "../store/fallback.js";
import { CountersSeen, remembering } from "../store/known.js";
import type { Store } from "../store/store.js";
import type { Metrics } from "../telemetry/metrics.js";

export interface GuardedStoreDeps {
  runtime: Runtime;
  log: Logger;
  metrics: Metrics;
  /** Told of each agent whose counters the store had lost. */
  onCountersLost?: (agent: string) => void;
}

/** A store that others share, guarded against losing counters and, where the operator wants it, against being away. */
export function guardedStore(
  opened: Store,
  {
    on_store_failure: onFailure,
    store_timeout: waitMs,
  }: Pick<Config, "store_timeout"> & { on_store_failure: "deny" | { local: number } },
  { runtime, log, metrics, onCountersLost }: GuardedStoreDeps,
): { store: Store; trouble: () => string | null } {
  const untroubled = () => null;
  // What a process keeps for itself is neither lost nor away while the process lives.
  if (!opened.shared) return { store: opened, trouble: untroubled };
  const seen = new CountersSeen(runtime);
  const onLost = (agent: string): void => {
    metrics.countersLost();
    log.warn({ agent_id: agent }, "the store has lost counters of an agent: they go on from what processes know");
    onCountersLost?.(agent);
  };
  const store = remembering(opened, { seen, onLost });
  if (onFailure === "deny") return { store, trouble: untroubled };
  return withFallback(store, {
    fraction: onFailure.local,
    runtime,
    waitMs,
    seen,
    onAway: ({ message }) =>
      log.warn({ error: message, share: onFailure.local }, "the store is away: calls go on with a share of each limit"),
    onBack: () => log.info("the store is back"),
    onLocal: metrics.settledLocally,
    onWaiting: metrics.missedObservations,
    onDropped: (count, why) => {
      metrics.droppedObservations(count);
      log.error({ observations: count, why }, "sessions will not know of calls that were settled without the store");
    },
  });
}
