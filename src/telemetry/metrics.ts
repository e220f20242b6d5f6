import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ClosedBy } from "../approvals/service.js";
import type { Mode } from "../verdict.js";
import { version as ours } from "../version.js";
import { type ArchiveMetrics, archiveMetrics } from "./archive.js";
import { Counts, level } from "./counts.js";
import { type Counted, decisionMetrics } from "./decision_metrics.js";
import { Durations } from "./durations.js";
import { type Health, healthMetrics } from "./health_metrics.js";
import type { SpanResult } from "./span_queue.js";

/**
 * The numbers that operators watch. Labels come from closed sets, from policy files, or are ids of registered agents,
 * bounded in number; never from what agents send.
 */
export interface Metrics {
  decided(decision: Counted): void;
  /** Gives what counts the seconds that one stage takes. */
  stage(name: string): (seconds: number) => void;
  loaded(part: string, result: "loaded" | "rolled_back" | "released" | "refused"): void;
  policyVersion(version: string): void;
  storeTrouble(): void;
  /** A budget was used up to a threshold. */
  budgetWarned(warning: { limit: string; mode: Mode; percent: number }): void;
  countersLost(): void;
  /** A call was settled without the store. */
  settledLocally(): void;
  /** So many observations wait for the store. */
  missedObservations(count: number): void;
  droppedObservations(count: number): void;
  /** What became of a try to tell people of something. */
  notified(notifier: string, kind: string, result: "sent" | "retried" | "failed" | "dropped"): void;
  /** How much a notifier has still to tell. */
  notificationsWaiting(notifier: string, count: number): void;
  /** What became of so many tellings of how a call ended. */
  outcome(result: OutcomeResult, count?: number): void;
  /** Call it once, where there is an archive of the audit trail. */
  archive(): ArchiveMetrics;
  spans(result: SpanResult, count: number): void;
  spansWaiting(count: number): void;
  /** How long an approval waited for the answer that closed it. */
  approvalAnswered(outcome: ClosedBy, seconds: number): void;
  /** A record was appended, or could not be, after so long. */
  auditAppended(seconds: number): void;
  auditWaiting(count: number): void;
  /** From now on each scrape asks these how things are. */
  watch(health: Health): void;
  contentType: string;
  text(): Promise<string>;
}

export type OutcomeResult = "recorded" | "unlinked" | "repeated" | "dropped" | "malformed";

/** `worker`: the number on every sample, where several processes are one server. */
export function createMetrics({ worker }: { worker?: number } = {}): Metrics {
  const register = new Registry();
  if (worker !== undefined) register.setDefaultLabels({ worker: String(worker) });
  collectDefaultMetrics({ register });
  const registers = [register];
  const { decided, stage } = decisionMetrics(registers);
  const health = healthMetrics(registers);
  const loads = new Counter({
    name: "countersign_loads_total",
    help: "Loads of policies, catalogue, agents and people by result.",
    labelNames: ["part", "result"],
    registers,
  });
  // What is not there before it first happens has not grown when it does.
  for (const part of ["policies", "catalogue", "agents", "people"]) {
    for (const result of ["loaded", "refused"]) loads.inc({ part, result }, 0);
  }
  const info = new Gauge({
    name: "countersign_policy_info",
    help: "1 for the policy version in force.",
    labelNames: ["version"],
    registers,
  });
  const budgets = new Counter({
    name: "countersign_budget_warnings_total",
    help: "Budgets that were used up to a threshold, each told once a day or session.",
    labelNames: ["limit", "mode", "percent"],
    registers,
  });
  const store = new Counter({
    name: "countersign_store_errors_total",
    help: "Errors of the store's connection.",
    registers,
  });
  const lost = new Counter({
    name: "countersign_store_counters_lost_total",
    help: "Losses of an agent's counters in the store, each once in a process that knew the agent.",
    registers,
  });
  const local = new Counter({
    name: "countersign_store_local_decisions_total",
    help: "Calls that were settled without the store, by this process's share of the limits.",
    registers,
  });
  const missed = new Gauge({
    name: "countersign_store_missed_observations",
    help: "What sessions have to remember and the store does not know yet.",
    registers,
  });
  const dropped = new Counter({
    name: "countersign_store_dropped_observations_total",
    help: "What sessions had to remember and the store will never know.",
    registers,
  });
  const notifications = new Counter({
    name: "countersign_notifications_total",
    help: "Tries to tell people of something, by result.",
    labelNames: ["notifier", "kind", "result"],
    registers,
  });
  const waiting = new Gauge({
    name: "countersign_notifications_waiting",
    help: "Notices that wait to be told.",
    labelNames: ["notifier"],
    registers,
  });
  const spans = new Counts(
    {
      name: "countersign_spans_total",
      help: "Spans by what became of them.",
      registers,
    },
    "result",
  );
  for (const result of ["sent", "dropped", "failed", "sampled_out"]) spans.add([result], 0);
  const spansWaiting = level({
    name: "countersign_spans_waiting",
    help: "Spans that wait for the collector.",
    registers,
  });
  const answered = new Histogram({
    name: "countersign_approval_answer_seconds",
    help: "Time from the opening of an approval to the answer that closed it.",
    labelNames: ["outcome"],
    buckets: [5, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 14_400, 86_400],
    registers,
  });
  const append = new Durations(
    {
      name: "countersign_audit_append_seconds",
      help: "Time that a record took to be where it must be before the answer.",
      registers,
    },
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5],
  ).of("");
  const auditWaiting = level({
    name: "countersign_audit_waiting_records",
    help: "Records that wait to be written.",
    registers,
  });
  const build = new Gauge({
    name: "countersign_build_info",
    help: "1 for the version of Countersign and of Node that run.",
    labelNames: ["version", "node"],
    registers,
  });
  build.set({ version: ours, node: process.version }, 1);

  const outcomes = new Counts(
    {
      name: "countersign_outcomes_total",
      help: "How calls ended, as Envoy told it, by what became of its telling.",
      registers,
    },
    "result",
  );

  return {
    decided,
    stage,
    loaded: (part, result) => loads.inc({ part, result }),
    policyVersion(version) {
      info.reset();
      info.set({ version }, 1);
    },
    storeTrouble: () => store.inc(),
    budgetWarned: ({ limit, mode, percent }) => budgets.inc({ limit, mode, percent }),
    countersLost: () => lost.inc(),
    settledLocally: () => local.inc(),
    missedObservations: (count) => missed.set(count),
    droppedObservations: (count) => dropped.inc(count),
    notified: (notifier, kind, result) => notifications.inc({ notifier, kind, result }),
    notificationsWaiting: (notifier, count) => waiting.set({ notifier }, count),
    outcome: (result, count = 1) => outcomes.add([result], count),
    archive: () => archiveMetrics(registers),
    spans: (result, count) => spans.add([result], count),
    spansWaiting,
    approvalAnswered: (outcome, duration) => answered.observe({ outcome }, duration),
    auditAppended: (duration) => append.observe(duration),
    auditWaiting,
    watch: health.watch,
    contentType: register.contentType,
    text: () => register.metrics(),
  };
}
