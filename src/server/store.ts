import type { Logger } from "pino";
import type { Config } from "../config/schema.js";
import type { Runtime } from "../runtime.js";
import { openStore } from "../store/open.js";
import type { Store } from "../store/store.js";
import type { Metrics } from "../telemetry/metrics.js";
import type { Closing } from "./closing.js";
import { guardedStore } from "./guarded_store.js";

const probeMs = 1_000;

/** Opens the configured store and keeps an eye on it. `trouble` is `null` while it answers. */
export async function watchedStore(
  config: Config,
  deps: {
    runtime: Runtime;
    log: Logger;
    metrics: Metrics;
    closing: Closing;
    onCountersLost: (agent: string) => void;
  },
): Promise<{ store: Store; trouble: () => string | null; onTrouble: (error: Error) => void }> {
  const { runtime, log, metrics, closing } = deps;
  let trouble: string | null = null;
  const onTrouble = (error: Error): void => {
    metrics.storeTrouble();
    log.warn({ error: error.message }, "store");
  };
  const opened = await openStore(config.store, { runtime, waitMs: config.store_timeout, onTrouble });
  const { store, trouble: away } = guardedStore(opened, config, deps);
  closing.add(() => store.close());
  if (!store.shared)
    log.warn(
      "memory store: limits, approvals, sessions, revoked tokens, and agents that the API registered or disabled are lost at a restart and not shared",
    );

  const probe = async (): Promise<void> => {
    try {
      await store.ping();
      trouble = null;
    } catch (error) {
      trouble = error instanceof Error ? error.message : "does not answer";
    }
  };
  const timer = setInterval(() => void probe(), probeMs);
  closing.add(() => clearInterval(timer));
  return { store, trouble: () => away() ?? trouble, onTrouble };
}
