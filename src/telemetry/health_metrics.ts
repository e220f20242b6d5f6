import { Gauge, type Registry } from "prom-client";
import type { Pending } from "./pending.js";

/** How things are, asked at each scrape. None of these may throw or take long. */
export interface Health {
  ready(): boolean;
  store(): boolean;
  audit(): boolean;
  /** `null` when the store does not say. */
  pending(): Promise<Pending | null>;
}

/** Gauges that are read when somebody looks. Without a source, and where it gives no answer, there is no sample. */
export function healthMetrics(registers: Registry[]): { watch: (health: Health) => void } {
  let health: Health | null = null;
  const up = (name: string, help: string, read: (health: Health) => boolean) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        if (health) this.set(read(health) ? 1 : 0);
        else this.remove();
      },
    });
  up("countersign_ready", "1 when this process can decide, as /readyz says.", ({ ready }) => ready());
  up("countersign_store_up", "1 when the store of limits and approvals answers.", ({ store }) => store());
  up("countersign_audit_up", "1 when audit records can be written.", ({ audit }) => audit());
  const pending = (name: string, help: string, read: (pending: Pending) => number) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const found = await health?.pending();
        if (found) this.set(read(found));
        else this.remove();
      },
    });
  pending("countersign_approvals_pending", "Approvals that wait for people.", ({ count }) => count);
  pending(
    "countersign_approvals_oldest_pending_seconds",
    "How long the oldest of the approvals that wait for people has waited.",
    ({ oldestSeconds }) => oldestSeconds,
  );
  return {
    watch(sources) {
      health = sources;
    },
  };
}
