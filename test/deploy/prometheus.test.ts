import { join } from "node:path";
import { deploy, tour } from "../demo/steps.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { findPrometheus } from "../harness/find_prometheus.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type RunningPrometheus, startPrometheus } from "../harness/prometheus.js";
import { everyRecord } from "../harness/records.js";
import { type Stack, startStack } from "../harness/stack.js";
import { until } from "../harness/until.js";
import { alerts, expressions, metricsIn, rules, rulesFile } from "./files.js";

const envoy = await requirePart("Envoy", findEnvoy);
const programs = await requirePart("Prometheus", findPrometheus);

/** Nobody is told here and there is no bucket, so nothing is counted of them. */
const silent = ["countersign_notifications_", "countersign_audit_archive_"];
const maybeEmpty = (expr: string) =>
  metricsIn(expr).every((name) => silent.some((beginning) => name.startsWith(beginning)));

describeWith("missing" in envoy ? envoy : programs, "a Prometheus that scrapes a server under calls", (use) => {
  let stack: Stack;
  let prometheus: RunningPrometheus;
  let calling = true;
  let calls: Promise<void>;

  beforeAll(async () => {
    if (!("value" in envoy)) throw new Error("no Envoy");
    stack = await startStack({ store: "memory:", envoyProgram: envoy.value });
    const target = { address: new URL(stack.api).host, token: stack.people.viewer, rules: rulesFile };
    prometheus = await startPrometheus((use() as { prometheus: string }).prometheus, target);
    await until(async () => (await prometheus.query("countersign_ready")).length === 1, {
      what: "the first scrape",
      timeoutMs: 60_000,
    });
    calls = keepCalling();
  });
  afterAll(async () => {
    calling = false;
    await calls;
    await prometheus?.stop();
    await stack?.stop();
  });

  /** Every verdict, over and over: passing, refused, in shadow, and answered by people. */
  async function keepCalling(): Promise<void> {
    for (const step of tour()) await step.run(stack);
    for (let replicas = 1; calling; replicas++) {
      await stack.call("deploy-manager", deploy("staging"));
      await stack.call("deploy-manager", deploy("staging", { replicas: 200 }));
      await stack.call("release-bot", deploy("staging", { replicas: 200 }));
      await stack.call(null, deploy("staging"));
      const asked = await stack.call("deploy-manager", deploy("production", { replicas: (replicas % 40) + 1 }));
      const { approval } = JSON.parse(asked.body) as { approval?: { id: string } };
      if (approval)
        await stack.ask(stack.people.approver, `/v1/approvals/${approval.id}/decision`, { decision: "approve" });
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  test("finds the server up, with the viewer's token", async () => {
    expect(await prometheus.query("up")).toMatchObject([{ metric: { job: "countersign" }, value: 1 }]);
    const { activeTargets } = await prometheus.get("targets");
    expect(activeTargets).toMatchObject([{ health: "up", lastError: "" }]);
  });

  test("answers every expression of the dashboard, with data where there must be some", async () => {
    const empty = async () => {
      const found: string[] = [];
      for (const { title, expr } of expressions) {
        const samples = (await prometheus.query(expr)).filter(({ value }) => !Number.isNaN(value));
        if (samples.length === 0 && !maybeEmpty(expr)) found.push(`${title}: ${expr}`);
      }
      return found;
    };
    let last: string[] = [];
    await until(
      async () => {
        last = await empty();
        return last.length === 0;
      },
      { what: "data everywhere", timeoutMs: 90_000, everyMs: 1_000 },
    ).catch(() => undefined);
    expect(last).toEqual([]);
  });

  test("evaluates every rule without an error, and records what is to be recorded", async () => {
    const { groups } = await until(
      async () => {
        const told = await prometheus.get("rules");
        const all = told.groups.flatMap(({ rules: some }: { rules: object[] }) => some);
        return all.every(({ health }: { health: string }) => health !== "unknown") && told;
      },
      { what: "the rules to be evaluated", timeoutMs: 60_000 },
    );
    const evaluated: { name: string; health: string; lastError?: string; state?: string }[] = groups.flatMap(
      ({ rules: some }: { rules: object[] }) => some,
    );
    expect(evaluated.map(({ name, health, lastError = "" }) => ({ name, health, lastError }))).toEqual(
      rules.map(({ record, alert }) => ({ name: record ?? alert, health: "ok", lastError: "" })),
    );
    for (const { record } of rules) {
      if (record === undefined) continue;
      await until(async () => (await prometheus.query(record)).some(({ value }) => !Number.isNaN(value)), {
        what: record,
        timeoutMs: 60_000,
      });
    }
    const critical = alerts.filter(({ labels }) => labels?.severity === "critical").map(({ alert }) => alert);
    expect(evaluated.filter(({ name, state }) => critical.includes(name) && state !== "inactive")).toEqual([]);
  });

  test("tells agents and stages apart", async () => {
    const agents = (await prometheus.query("sum by (agent) (countersign_agent_decisions_total)")).map(
      ({ metric }) => metric.agent,
    );
    expect(agents).toEqual(expect.arrayContaining(["deploy-manager", "release-bot", "none"]));
    const stages = (await prometheus.query("sum by (stage) (countersign_stage_seconds_count) > 0")).map(
      ({ metric }) => metric.stage,
    );
    expect(stages).toEqual(
      expect.arrayContaining([
        "read",
        "identify",
        "decode",
        "attest",
        "evaluate",
        "settle",
        "decide",
        "record",
        "respond",
      ]),
    );
  });

  test("has counted what is on record, no more and no less", async () => {
    calling = false;
    await calls;
    const lastCallS = Date.now() / 1_000;
    const scrapedS = async () =>
      Math.min(...(await prometheus.query("timestamp(countersign_decisions_total)")).map(({ value }) => value));
    await until(async () => (await scrapedS()) > lastCallS, { what: "a scrape after the calls", timeoutMs: 60_000 });
    const counted = await prometheus.query("sum by (enforced) (countersign_decisions_total)");
    // What it still holds back it writes when it ends.
    await stack.server.stop();
    const recorded = new Map<unknown, number>();
    for (const { kind, enforced, aggregated } of await everyRecord(join(stack.folder, "var", "audit"))) {
      if (kind !== "decision") continue;
      const { count = 1 } = (aggregated ?? {}) as { count?: number };
      recorded.set(enforced, (recorded.get(enforced) ?? 0) + count);
    }
    expect(new Map(counted.map(({ metric, value }) => [metric.enforced, value]))).toEqual(recorded);
    expect([...recorded.keys()].sort()).toEqual(["allow", "approval_needed", "deny", "sanitize"]);
  });
});
