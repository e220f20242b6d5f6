import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Reason } from "../reasons.js";
import type { Mode, Verdict } from "../verdict.js";
import { type ArchiveMetrics, archiveMetrics } from "./archive.js";

/** The numbers that operators watch. Labels come from closed sets or from policy files, never from agents. */
export interface Metrics {
  decided(decision: Counted): void;
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
  contentType: string;
  text(): Promise<string>;
}

export type OutcomeResult = "recorded" | "unlinked" | "repeated" | "dropped" | "malformed";

/** What is counted of one decision. */
export interface Counted {
  computed: Verdict;
  enforced: Verdict;
  mode: Mode;
  reason: string;
  /** The rules that were found broken. */
  rules: readonly string[];
  seconds: number;
}

export function createMetrics(): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const registers = [register];
  const decisions = new Counter({
    name: "countersign_decisions_total",
    help: "Decisions by computed verdict, enforced verdict, mode and reason.",
    labelNames: ["decision", "enforced", "mode", "reason"],
    registers,
  });
  const wouldBlock = new Counter({
    name: "countersign_would_block_total",
    help: "Calls let through in shadow or a dry run that enforcement would have stopped, by each rule that would have.",
    labelNames: ["rule"],
    registers,
  });
  const seconds = new Histogram({
    name: "countersign_decision_seconds",
    help: "Time from the authorization request to its answer.",
    labelNames: ["enforced"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const loads = new Counter({
    name: "countersign_loads_total",
    help: "Loads of policies, catalogue, agents and people by result.",
    labelNames: ["part", "result"],
    registers,
  });
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
  const audit = new Counter({
    name: "countersign_audit_errors_total",
    help: "Decisions that could not be recorded.",
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

  const outcomes = new Counter({
    name: "countersign_outcomes_total",
    help: "How calls ended, as Envoy told it, by what became of its telling.",
    labelNames: ["result"],
    registers,
  });

  return {
    decided({ computed, enforced, mode, reason, rules, seconds: duration }) {
      decisions.inc({ decision: computed, enforced, mode, reason });
      if (stops(computed) && !stops(enforced)) {
        for (const rule of rules.length > 0 ? new Set(rules) : [reason]) wouldBlock.inc({ rule });
      }
      if (reason === ("audit_unavailable" satisfies Reason)) audit.inc();
      seconds.observe({ enforced }, duration);
    },
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
    outcome: (result, count = 1) => outcomes.inc({ result }, count),
    archive: () => archiveMetrics(registers),
    contentType: register.contentType,
    text: () => register.metrics(),
  };
}

function stops(verdict: Verdict): boolean {
  return verdict === "deny" || verdict === "approval_needed";
}
