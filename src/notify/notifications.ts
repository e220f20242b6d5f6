import type { Logger } from "pino";
import type { Runtime } from "../runtime.js";
import type { Store } from "../store/store.js";
import type { Metrics } from "../telemetry/metrics.js";
import type { Notifications, Notifier } from "./notifier.js";
import { Sender, wordsOf } from "./sender.js";
import { type NoticeSource, tellingOf } from "./telling.js";
import { type Timing, usualTiming } from "./timing.js";
import { Watch } from "./watch.js";

export interface NotificationsOptions {
  notifiers: readonly Notifier[];
  approvals: NoticeSource;
  store: Store;
  runtime: Runtime;
  log: Logger;
  metrics: Pick<Metrics, "notified" | "notificationsWaiting">;
  /** Under which people reach the page of approvals. */
  publicUrl: string;
  timing?: Partial<Timing>;
}

/**
 * Tells people, by every notifier, at least once: what is opened, escalated or ended is told even if a process ends before
 * it could, as long as one process with notifiers runs. See `docs/notifications.md`.
 */
export function notifications(options: NotificationsOptions): Notifications {
  const { notifiers, approvals, store, runtime, log, metrics, publicUrl } = options;
  if (notifiers.length === 0) return { tell: () => undefined, trouble: () => null, close: async () => undefined };
  const timing = { ...usualTiming, ...options.timing };
  const told = {
    approvals,
    store,
    publicUrl,
    onPending: (approval: Parameters<Watch["see"]>[0]) => watch.see(approval),
  };
  const senders = notifiers.map(
    (notifier) =>
      new Sender(notifier, { tellingOf: (job, name) => tellingOf(job, name, told), runtime, timing, log, metrics }),
  );
  let trouble: string | null = null;
  const watch = new Watch({
    store,
    senders,
    runtime,
    timing,
    onTrouble(error) {
      const words = error === null ? null : wordsOf(error);
      if (words !== null && trouble === null) log.warn({ problem: words }, "what is to be told cannot be looked up");
      trouble = words;
    },
  });
  return {
    tell(happening) {
      for (const sender of senders) sender.add(happening);
    },
    trouble() {
      const troubles = senders.flatMap((sender) => sender.trouble() ?? []);
      if (trouble !== null) troubles.push(`approvals cannot be looked up: ${trouble}`);
      return troubles.length === 0 ? null : troubles.join("; ");
    },
    async close() {
      await watch.close();
      await Promise.all(senders.map((sender) => sender.close()));
    },
  };
}
