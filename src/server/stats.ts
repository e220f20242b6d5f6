import type { Logger } from "pino";
import type { AuditSink } from "../audit/record.js";
import type { Config } from "../config/schema.js";
import type { DashboardRouteDeps } from "../http/dashboard.js";
import type { Runtime } from "../runtime.js";
import { type DashboardDeps, dashboard } from "../stats/dashboard.js";
import { planSeed, seed } from "../stats/seed.js";
import { counting } from "../stats/sink.js";
import { StatsWindow } from "../stats/window.js";

/** Bytes of records that are read at start. */
const seedBytes = 64 * 1024 * 1024;
/** Milliseconds that the dashboard waits for the store. */
const storeMs = 1_500;

/** What is counted of decisions. */
export interface ServerStats {
  /** The audit trail; what it records is counted. */
  audit: AuditSink;
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
  sink: AuditSink,
  config: Pick<Config, "audit" | "mode" | "dry_run">,
  { runtime, log }: { runtime: Runtime; log: Logger },
): Promise<ServerStats> {
  const window = new StatsWindow(runtime.now);
  const startedMs = runtime.now();
  let sinceMs = startedMs;
  const onTrouble = (error: unknown) => log.warn({ err: error }, "a decision is missing on the dashboard");
  // Before the first record is appended, which would else be counted twice.
  const plan = await planSeed(config.audit.dir, { now: startedMs, maxBytes: seedBytes }).catch(onTrouble);
  if (plan) {
    void seed(plan, window, runtime.now).then((seeded) => {
      sinceMs = Math.min(startedMs, seeded.sinceMs ?? startedMs);
      if (seeded.unreadable > 0) log.warn(seeded, "records that cannot be read are missing on the dashboard");
    }, onTrouble);
  }
  return {
    audit: counting(sink, window, onTrouble),
    dashboard({ policyVersion, ...deps }) {
      const monotonicMs = () => runtime.monotonicMicros() / 1000;
      const since = () => sinceMs;
      const view = dashboard({
        ...deps,
        window,
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
