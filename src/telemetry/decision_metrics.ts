import { Counter, Gauge, type Registry } from "prom-client";
import type { Reason } from "../reasons.js";
import { letsThrough, type Mode, type Verdict } from "../verdict.js";
import { AgentLabels } from "./agent_labels.js";
import { Counts } from "./counts.js";
import { Durations } from "./durations.js";

/** What is counted of one decision. */
export interface Counted {
  /** Id of a registered agent; `null` when nobody is known. */
  agent: string | null;
  computed: Verdict;
  enforced: Verdict;
  mode: Mode;
  reason: string;
  /** The rules that were found broken. */
  rules: readonly string[];
  /** How much of the agent's daily budget is used up, of 1, on a UTC day since the epoch; `null` when it has none. */
  dailyBudget: { day: number; used: number } | null;
  seconds: number;
}

const dayMs = 86_400_000;

/** The metrics that grow with each decision. */
export function decisionMetrics(registers: Registry[], now: () => number = Date.now) {
  const decisions = new Counts(
    {
      name: "countersign_decisions_total",
      help: "Decisions by computed verdict, enforced verdict, mode and reason.",
      registers,
    },
    ...["decision", "enforced", "mode", "reason"],
  );
  const byAgent = new Counts(
    {
      name: "countersign_agent_decisions_total",
      help: "Decisions by registered agent and enforced verdict.",
      registers,
    },
    ...["agent", "enforced"],
  );
  const wouldBlock = new Counts(
    {
      name: "countersign_would_block_total",
      help: "Calls let through in shadow or a dry run that enforcement would have stopped, by each rule that would have.",
      registers,
    },
    "rule",
  );
  const seconds = new Durations(
    {
      name: "countersign_decision_seconds",
      help: "Time from the authorization request to its answer.",
      registers,
    },
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    "enforced",
  );
  const stages = new Durations(
    {
      name: "countersign_stage_seconds",
      help: "Time that each stage of a decision takes.",
      registers,
    },
    [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10, 60],
    "stage",
  );
  const budgets = new Map<string, { day: number; used: number }>();
  new Gauge({
    name: "countersign_budget_used_ratio",
    help: "Share of a budget that an agent has used up, as this process last saw it on the present UTC day.",
    labelNames: ["agent", "limit"],
    registers,
    collect() {
      this.reset();
      const today = Math.floor(now() / dayMs);
      for (const [agent, { day, used }] of budgets) {
        if (day === today) this.set({ agent, limit: "daily_budget" }, used);
        else budgets.delete(agent);
      }
    },
  });
  const audit = new Counter({
    name: "countersign_audit_errors_total",
    help: "Decisions that could not be recorded.",
    registers,
  });
  const labels = new AgentLabels();

  /** Into the object that is there: one for each call would live until the agent's next call, and leave the young generation. */
  function budgetSeen(label: string, { day, used }: { day: number; used: number }): void {
    const seen = budgets.get(label);
    if (seen === undefined) {
      budgets.set(label, { day, used });
      return;
    }
    seen.day = day;
    seen.used = used;
  }

  return {
    decided({ agent, computed, enforced, mode, reason, rules, dailyBudget, seconds: duration }: Counted): void {
      decisions.add([computed, enforced, mode, reason]);
      const label = labels.of(agent);
      byAgent.add([label, enforced]);
      // The share of all others together would be nobody's.
      if (dailyBudget && label === agent) budgetSeen(label, dailyBudget);
      if (!letsThrough(computed) && letsThrough(enforced)) {
        for (const rule of rules.length > 0 ? new Set(rules) : [reason]) wouldBlock.add([rule]);
      }
      if (reason === ("audit_unavailable" satisfies Reason)) audit.inc();
      seconds.of(enforced).observe(duration);
    },
    stage(name: string): (seconds: number) => void {
      const one = stages.of(name);
      return (duration) => one.observe(duration);
    },
  };
}
