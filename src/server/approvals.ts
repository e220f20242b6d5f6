import type { Logger } from "pino";
import { type ApprovalsService, approvalsService } from "../approvals/service.js";
import type { AuditSink } from "../audit/record.js";
import type { Config } from "../config/schema.js";
import type { HttpDeps } from "../http/server.js";
import type { TrustedIssuers } from "../issuers/issuers.js";
import type { SigningKey } from "../keys/keys.js";
import type { Notifications } from "../notify/notifier.js";
import { openInteractions } from "../notify/slack_interactions.js";
import { pageOf } from "../notify/telling.js";
import type { Registry } from "../registry/registry.js";
import type { Runtime } from "../runtime.js";
import type { Store } from "../store/store.js";
import type { Metrics } from "../telemetry/metrics.js";
import type { Closing } from "./closing.js";
import { openNotifications } from "./notify.js";
import { serverPage } from "./page.js";

/** Asking people, telling them, and where they answer. */
export interface ServerApprovals {
  approvals: ApprovalsService;
  notifications: Notifications;
  http: Pick<HttpDeps, "approvals" | "slack" | "page">;
}

/** Opens everything that has to do with people's answers. Throws an `Error` for the operator about secrets of no use. */
export async function serverApprovals(
  config: Config,
  deps: {
    key: SigningKey;
    store: Store;
    audit: AuditSink;
    registry: () => Registry;
    trusted: TrustedIssuers;
    runtime: Runtime;
    log: Logger;
    metrics: Metrics;
    closing: Closing;
    onTrouble: (error: Error) => void;
  },
): Promise<ServerApprovals> {
  const publicUrl = config.public_url;
  const approvals = approvalsService({
    ...deps,
    publicUrl,
    maxPending: config.approvals.max_pending,
    onClosed: ({ id, agent, outcome, waitedMs }) => {
      deps.metrics.approvalAnswered(outcome, waitedMs / 1000);
      notifications.tell({ kind: "approval.closed", id, agent });
    },
  });
  const notifications = await openNotifications(config, { ...deps, approvals });
  const slack = await openInteractions(config.approvals.slack, {
    ...deps,
    approvals,
    pageUrl: (id) => pageOf(publicUrl, id),
  });
  return { approvals, notifications, http: { approvals, slack, page: await serverPage(config, deps) } };
}
