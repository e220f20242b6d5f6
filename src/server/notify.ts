import type { Logger } from "pino";
import type { Config } from "../config/schema.js";
import type { SigningKey } from "../keys/keys.js";
import { notifications } from "../notify/notifications.js";
import type { Notifications } from "../notify/notifier.js";
import { openNotifiers } from "../notify/notifiers.js";
import type { NoticeSource } from "../notify/telling.js";
import type { Runtime } from "../runtime.js";
import type { Store } from "../store/store.js";
import type { Metrics } from "../telemetry/metrics.js";
import type { Closing } from "./closing.js";

export interface NotifyDeps {
  approvals: NoticeSource;
  store: Store;
  /** The approval key: it signs the links that open the page. */
  key: SigningKey;
  runtime: Runtime;
  log: Logger;
  metrics: Metrics;
  closing: Closing;
}

/**
 * Opens every notifier that is configured, and sees to it that people are told from now on. Throws an `Error` for the operator
 * about a secret that cannot be used.
 */
export async function openNotifications(config: Config, deps: NotifyDeps): Promise<Notifications> {
  const { store, runtime, key, closing } = deps;
  const publicUrl = config.public_url;
  const notifiers = await openNotifiers(config.approvals, { store, runtime, publicUrl, key });
  const opened = notifications({ ...deps, notifiers, publicUrl });
  closing.add(() => opened.close());
  return opened;
}
