import { basename, dirname } from "node:path";
import type { Logger } from "pino";
import { workerNumber } from "../audit/segments.js";
import type { Config } from "../config/schema.js";
import type { DashboardRouteDeps } from "../http/dashboard.js";
import type { Runtime } from "../runtime.js";
import { type DashboardDeps, dashboard } from "../stats/dashboard.js";
import { planSeed, seed } from "../stats/seed.js";
import { counting } from "../stats/sink.js";
import { StatsWindow } from "../stats/window.js";
import type { WatchedAudit } from "../telemetry/audit_watch.js";
import type { Peers } from "../workers/peers.js";
import { numbersOfAll } from "../workers/stats.js";

/** Bytes of records that are read at start. */
const seedBytes = 64 * 1024 * 1024;
/** Milliseconds that the dashboard waits for the store. */
const storeMs = 1_500;

/** What is counted of decisions. */
export interface ServerStats {
  /** What `GET /v1/dashboard` shows. */
  dashboard(
    deps: Pick<DashboardDeps, "usage" | "limitsOf" | "approvals"> & { policyVersion: () => string },
  ): DashboardRouteDeps["dashboard"];
}

/**
 * Counts what is recorded from now on; what was recorded before is read in the background. Records that cannot be read are
 * missing in the numbers and hold up nothing.
 */
export async function serverStats(
  audit: WatchedAudit,
  config: Pick<Config, "audit" | "mode" | "dry_run">,
  { runtime, log, peers }: { runtime: Runtime; log: Logger; peers: Peers },
): Promise<ServerStats> {
  const window = new StatsWindow(runtime.now);
  const startedMs = runtime.now();
  let sinceMs = startedMs;
  const onTrouble = (error: unknown) => log.warn({ err: error }, "a decision is missing on the dashboard");
  // Before the first record is appended, which would else be counted twice.
  const isOurs = (path: string): boolean => countsRecordsOf(workerOf(path), peers);
  const plan = await planSeed(config.audit.dir, { now: startedMs, maxBytes: seedBytes, isOurs }).catch(onTrouble);
  audit.onDecision(counting(window, onTrouble));
  if (plan) {
    void seed(plan, window, runtime.now).then((seeded) => {
      sinceMs = Math.min(startedMs, seeded.sinceMs ?? startedMs);
      if (seeded.unreadable > 0) log.warn(seeded, "records that cannot be read are missing on the dashboard");
    }, onTrouble);
  }
  const numbers = numbersOfAll(
    { numbers: (minutes, steps) => window.numbers(minutes, steps), sinceMs: () => sinceMs },
    peers,
  );
  return {
    dashboard({ policyVersion, ...deps }) {
      const monotonicMs = () => runtime.monotonicMicros() / 1000;
      const since = () => sinceMs;
      const view = dashboard({
        ...deps,
        window,
        numbers,
        sinceMs: since,
        startedMs,
        withinMs: storeMs,
        now: runtime.now,
        monotonicMs,
      });
      const mode = config.dry_run ? "dry_run" : config.mode;
      return async (name) => ({ ...(await view(name)), policy_version: policyVersion(), mode });
    },
  };
}

/** Of each record exactly one worker counts the decision; those of workers that there are no longer are the first one's. */
function countsRecordsOf(writer: number | null, { worker, workers }: Peers): boolean {
  const isOfThem = writer !== null && writer <= workers;
  return worker === (isOfThem ? writer : 1);
}

/** The number of the worker whose chain a file belongs to. */
function workerOf(path: string): number | null {
  return workerNumber(basename(dirname(path)));
}
