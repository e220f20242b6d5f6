import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import type { Risk } from "../../src/approvals/risk.js";
import type { ApprovalView } from "../../src/approvals/view.js";
import type { ApprovalNotice, Notice } from "../../src/notify/notice.js";
import { notifications } from "../../src/notify/notifications.js";
import type { Attempt, Notifications, Notifier } from "../../src/notify/notifier.js";
import type { Timing } from "../../src/notify/timing.js";
import { type Runtime, systemRuntime } from "../../src/runtime.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { type World, world } from "../approvals/fixture.js";

export const approval: ApprovalView = {
  id: "apr_01KJMK00000000000000000001",
  status: "pending",
  call: {
    tool: "deploy-api",
    action: "deploy",
    environment: "production",
    params: { replicas: 200 },
    path: "/v1/deploy",
  },
  shown: `sha256:${"a".repeat(64)}`,
  reason: "approval_needed",
  violations: [{ rule: "allowed_environments", actual: "production", message: "production needs approval" }],
  requested_by: { agent: "deploy-manager", initiated_by: "alice" },
  quorum: 2,
  approvers: [["sre", "leads"]],
  escalation: { at: "2026-03-01T14:27:00.000Z", to: ["leads"], approvers: [["sre", "leads"]] },
  cost: 2.5,
  created_at: "2026-03-01T14:22:00.000Z",
  expires_at: "2026-03-01T14:37:00.000Z",
  decisions: [],
};

export const risk: Risk = {
  rules: ["allowed_environments"],
  environment: "production",
  cost: 2.5,
  session: {
    id: "abc-123",
    integrity: "suspect",
    anomalies: 3,
    data_classification: ["config", "pii"],
    calls: 12,
    refused: 4,
  },
  history: {
    looked: 9,
    approved: 5,
    denied: 2,
    expired: 1,
    pending: 1,
    same_action: { approved: 3, denied: 1, last_at: "2026-02-28T10:00:00.000Z" },
  },
};

export const url = `http://127.0.0.1:9192/approvals/${approval.id}`;

export function opened(more: Partial<ApprovalView> = {}): ApprovalNotice {
  return { kind: "approval.opened", approval: { ...approval, ...more }, risk, url };
}

export const attempt = (id = "msg-1"): Attempt => ({ id, signal: new AbortController().signal });

/** Short times, so that nobody has to wait; long ones where a test is about what happens before they are over. */
const quick: Partial<Timing> = { firstMs: 20, mostMs: 100, lookMs: 50, closeMs: 100 };

/** A process that tells people of the approvals in a store. */
export interface Teller extends Notifications {
  log: Record<string, unknown>[];
  /** Samples of our metrics. */
  samples(): Promise<string[]>;
}

export function teller(
  here: Pick<World, "nowMs" | "store" | "service">,
  notifiers: readonly Notifier[],
  timing: Partial<Timing> = {},
): Teller {
  const runtime: Runtime = { ...systemRuntime, now: () => here.nowMs };
  const metrics = createMetrics();
  const log: Record<string, unknown>[] = [];
  const opened = notifications({
    notifiers,
    approvals: here.service,
    store: here.store,
    runtime,
    log: pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line)) }),
    metrics,
    publicUrl: "http://127.0.0.1:9192/",
    timing: { ...quick, ...timing },
  });
  tellers.push(opened);
  return {
    ...opened,
    log,
    samples: async () => (await metrics.text()).split("\n").filter((line) => /^countersign_notifications/.test(line)),
  };
}

const tellers: Notifications[] = [];
afterEach(async () => {
  await Promise.all(tellers.splice(0).map((one) => one.close()));
});

/** A notifier that does as a test says, and keeps what it was asked to send. */
export interface Scripted extends Notifier {
  tries: { notice: Notice; attempt: Attempt }[];
  /** Kinds and statuses of what was tried. */
  told(): string[];
}

export function scripted(send: (notice: Notice, attempt: Attempt) => Promise<void> = async () => undefined): Scripted {
  const tries: Scripted["tries"] = [];
  return {
    name: "webhook",
    tries,
    told: () =>
      tries.map(({ notice }) => ("approval" in notice ? `${notice.kind} ${notice.approval.status}` : notice.kind)),
    async send(notice, attempt) {
      tries.push({ notice, attempt });
      await send(notice, attempt);
    },
  };
}

/** Long enough for several looks, and for what should not happen. */
export const someLooks = (): Promise<void> => sleep(400);

export { world };
