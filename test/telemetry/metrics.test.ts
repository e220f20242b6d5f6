import { reasonTable } from "../../src/reasons.js";
import type { Health } from "../../src/telemetry/health_metrics.js";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.js";
import { verdicts } from "../../src/verdict.js";

const once = {
  agent: "bot",
  dailyBudget: null,
  computed: "allow",
  enforced: "allow",
  mode: "enforce",
  reason: "allowed",
  rules: [],
  seconds: 0.002,
} as const;

/** Our samples, without the process's own. */
async function samples(metrics: Metrics): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => /^countersign_/.test(line));
}

/** Samples of one metric. */
const of = async (metrics: Metrics, name: string) =>
  (await samples(metrics)).filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

test("before the first decision, what has no labels or a few known ones is there and zero", async () => {
  const found = (await samples(createMetrics())).filter((line) => !/_bucket|_info|_sum/.test(line));
  expect(found.toSorted()).toEqual(
    [
      ...["policies", "catalogue", "agents", "people"].flatMap((part) => [
        `countersign_loads_total{part="${part}",result="loaded"} 0`,
        `countersign_loads_total{part="${part}",result="refused"} 0`,
      ]),
      "countersign_store_errors_total 0",
      "countersign_store_counters_lost_total 0",
      "countersign_store_local_decisions_total 0",
      "countersign_store_missed_observations 0",
      "countersign_store_dropped_observations_total 0",
      "countersign_audit_errors_total 0",
      ...["sent", "dropped", "failed", "sampled_out"].map((result) => `countersign_spans_total{result="${result}"} 0`),
      "countersign_spans_waiting 0",
      "countersign_audit_append_seconds_count 0",
      "countersign_audit_waiting_records 0",
    ].toSorted(),
  );
});

test("what would be blocked is counted by each broken rule, once", async () => {
  const metrics = createMetrics();
  const rules = ["max_replicas", "allowed_images", "max_replicas"];
  metrics.decided({ ...once, computed: "deny", mode: "shadow", reason: "allowed_images", rules });
  metrics.decided({ ...once, computed: "deny", enforced: "deny", reason: "allowed_images", rules });
  expect(await of(metrics, "countersign_would_block_total")).toEqual([
    'countersign_would_block_total{rule="max_replicas"} 1',
    'countersign_would_block_total{rule="allowed_images"} 1',
  ]);
});

test("decisions are counted by verdicts, mode and reason", async () => {
  const metrics = createMetrics();
  metrics.decided(once);
  metrics.decided(once);
  metrics.decided({ ...once, computed: "sanitize", enforced: "sanitize", reason: "sanitized" });
  metrics.decided({ ...once, computed: "deny", enforced: "deny", reason: "max_replicas" });
  expect(await of(metrics, "countersign_decisions_total")).toEqual([
    'countersign_decisions_total{decision="allow",enforced="allow",mode="enforce",reason="allowed"} 2',
    'countersign_decisions_total{decision="sanitize",enforced="sanitize",mode="enforce",reason="sanitized"} 1',
    'countersign_decisions_total{decision="deny",enforced="deny",mode="enforce",reason="max_replicas"} 1',
  ]);
  expect(await of(metrics, "countersign_would_block_total")).toEqual([]);
});

test("what enforcement would have stopped is counted, and nothing else is", async () => {
  const metrics = createMetrics();
  for (const computed of verdicts) {
    for (const enforced of verdicts) {
      metrics.decided({
        ...once,
        computed,
        enforced,
        mode: "shadow",
        reason: `max_${computed}_${enforced}`,
        rules: [],
        seconds: 0,
      });
    }
  }
  expect(await of(metrics, "countersign_would_block_total")).toEqual([
    'countersign_would_block_total{rule="max_approval_needed_allow"} 1',
    'countersign_would_block_total{rule="max_approval_needed_sanitize"} 1',
    'countersign_would_block_total{rule="max_deny_allow"} 1',
    'countersign_would_block_total{rule="max_deny_sanitize"} 1',
  ]);
});

test("durations are in seconds, in buckets around what a decision takes", async () => {
  const metrics = createMetrics();
  for (const seconds of [0.0004, 0.002, 0.2, 10]) metrics.decided({ ...once, seconds });
  const found = await samples(metrics);
  const buckets = found.filter((line) => line.startsWith("countersign_decision_seconds_bucket"));
  expect(buckets.map((line) => [/le="([^"]+)"/.exec(line)?.[1], Number(line.split(" ").at(-1))])).toEqual([
    ["0.0005", 1],
    ["0.001", 1],
    ["0.0025", 2],
    ["0.005", 2],
    ["0.01", 2],
    ["0.025", 2],
    ["0.05", 2],
    ["0.1", 2],
    ["0.25", 3],
    ["0.5", 3],
    ["1", 3],
    ["2.5", 3],
    ["+Inf", 4],
  ]);
  expect(await of(metrics, "countersign_decision_seconds_count")).toEqual([
    'countersign_decision_seconds_count{enforced="allow"} 4',
  ]);
});

test("one policy version is in force at a time", async () => {
  const metrics = createMetrics();
  metrics.policyVersion("sha256:aa");
  metrics.policyVersion("sha256:bb");
  expect(await of(metrics, "countersign_policy_info")).toEqual(['countersign_policy_info{version="sha256:bb"} 1']);
});

test("loads, errors of the store and missing records are counted", async () => {
  const metrics = createMetrics();
  metrics.loaded("policies", "loaded");
  metrics.loaded("policies", "refused");
  metrics.loaded("policies", "refused");
  metrics.storeTrouble();
  metrics.decided({ ...once, computed: "deny", enforced: "deny", reason: "audit_unavailable" });
  expect((await of(metrics, "countersign_loads_total")).filter((line) => line.includes("policies"))).toEqual([
    'countersign_loads_total{part="policies",result="loaded"} 1',
    'countersign_loads_total{part="policies",result="refused"} 2',
  ]);
  expect(await of(metrics, "countersign_store_errors_total")).toEqual(["countersign_store_errors_total 1"]);
  expect(await of(metrics, "countersign_audit_errors_total")).toEqual(["countersign_audit_errors_total 1"]);
});

test("what became of notices, and how many wait", async () => {
  const metrics = createMetrics();
  metrics.notified("teams", "approval.opened", "sent");
  metrics.notified("teams", "approval.opened", "sent");
  metrics.notified("webhook", "budget.warning", "dropped");
  metrics.notificationsWaiting("teams", 3);
  metrics.notificationsWaiting("teams", 0);
  expect(await of(metrics, "countersign_notifications_total")).toEqual([
    'countersign_notifications_total{notifier="teams",kind="approval.opened",result="sent"} 2',
    'countersign_notifications_total{notifier="webhook",kind="budget.warning",result="dropped"} 1',
  ]);
  expect(await of(metrics, "countersign_notifications_waiting")).toEqual([
    'countersign_notifications_waiting{notifier="teams"} 0',
  ]);
});

test("agents are told apart up to a bound, and nobody and too many have words of their own", async () => {
  const metrics = createMetrics();
  for (let i = 0; i < 500; i++) metrics.decided({ ...once, agent: `agent-${i}` });
  metrics.decided({ ...once, agent: null, enforced: "deny" });
  metrics.decided({ ...once, agent: "agent-7" });
  const found = await of(metrics, "countersign_agent_decisions_total");
  expect(found).toHaveLength(202);
  expect(found).toEqual(
    expect.arrayContaining([
      'countersign_agent_decisions_total{agent="agent-7",enforced="allow"} 2',
      'countersign_agent_decisions_total{agent="other",enforced="allow"} 300',
      'countersign_agent_decisions_total{agent="none",enforced="deny"} 1',
    ]),
  );
});

test("how much of a budget is used up is the newest word on it, and of no day but today", async () => {
  const metrics = createMetrics();
  const today = Math.floor(Date.now() / 86_400_000);
  metrics.decided({ ...once, dailyBudget: { day: today, used: 0.25 } });
  metrics.decided({ ...once, dailyBudget: { day: today, used: 0.5 } });
  metrics.decided({ ...once, agent: "early", dailyBudget: { day: today - 1, used: 0.9 } });
  expect(await of(metrics, "countersign_budget_used_ratio")).toEqual([
    'countersign_budget_used_ratio{agent="bot",limit="daily_budget"} 0.5',
  ]);
});

test("the labels of decisions are those of closed sets and registered agents, so their number is bounded", async () => {
  const metrics = createMetrics();
  const reasons = reasonTable().map(({ reason }) => reason);
  for (const reason of reasons) metrics.decided({ ...once, reason });
  const ofDecisions = (await samples(metrics)).filter((line) => /^countersign_(agent_)?decision/.test(line));
  const labels = new Set(ofDecisions.flatMap((line) => [...line.matchAll(/[{,]([a-z]+)="/g)].map((match) => match[1])));
  expect([...labels].sort()).toEqual(["agent", "decision", "enforced", "le", "mode", "reason"]);
  expect(await of(metrics, "countersign_decisions_total")).toHaveLength(reasons.length);
});

describe("how things are", () => {
  const well: Health = { ready: () => true, store: () => true, audit: () => true, pending: async () => null };

  test("is asked at each scrape", async () => {
    const metrics = createMetrics();
    let audit = true;
    metrics.watch({
      ...well,
      store: () => false,
      audit: () => audit,
      pending: async () => ({ count: 2, oldestSeconds: 61 }),
    });
    const wanted = (audited: number) => [
      "countersign_ready 1",
      "countersign_store_up 0",
      `countersign_audit_up ${audited}`,
      "countersign_approvals_pending 2",
      "countersign_approvals_oldest_pending_seconds 61",
    ];
    const found = async () =>
      (await samples(metrics)).filter((line) => /_(ready|up|pending|pending_seconds) /.test(line));
    expect(await found()).toEqual(wanted(1));
    audit = false;
    expect(await found()).toEqual(wanted(0));
  });

  test("has no sample where nobody says, before and after somebody did", async () => {
    const metrics = createMetrics();
    expect(await of(metrics, "countersign_approvals_pending")).toEqual([]);
    let pending: Awaited<ReturnType<Health["pending"]>> = { count: 1, oldestSeconds: 1 };
    metrics.watch({ ...well, pending: async () => pending });
    expect(await of(metrics, "countersign_approvals_pending")).toEqual(["countersign_approvals_pending 1"]);
    pending = null;
    expect(await of(metrics, "countersign_approvals_pending")).toEqual([]);
    expect(await of(metrics, "countersign_ready")).toEqual(["countersign_ready 1"]);
  });
});

test("every metric has help and a type, in the text format that the content type names", async () => {
  const metrics = createMetrics();
  const text = await metrics.text();
  expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  for (const name of new Set([...text.matchAll(/^# TYPE (countersign_\S+)/gm)].map((match) => match[1]))) {
    expect(text).toMatch(new RegExp(`^# HELP ${name} [A-Z0-9].*\\.$`, "m"));
  }
  expect(text).toContain("process_cpu_seconds_total");
});
