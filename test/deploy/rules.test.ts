import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { findPrometheus } from "../harness/find_prometheus.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository, run } from "../harness/programs.js";
import { alerts, dashboard, expressions, metricsIn, prometheusFolder, rules } from "./files.js";

const programs = await requirePart("Prometheus", findPrometheus);

describeWith(programs, "promtool", (use) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "countersign-rules-"));
    await cp(prometheusFolder, folder, { recursive: true });
    await writeFile(join(folder, "countersign.token"), "cst_x");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const promtool = (...args: string[]) => run(use().promtool, args, 60_000);

  test("takes the rules", async () => {
    const told = await promtool("check", "rules", join(folder, "countersign.rules.yml"));
    expect(told).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  test("takes the configuration", async () => {
    expect(await promtool("check", "config", join(folder, "prometheus.yml"))).toContain("is valid");
  });

  test("finds that each alert fires when it is to, and that none does while all is well", async () => {
    expect(await promtool("test", "rules", join(folder, "countersign.rules.test.yml"))).toContain("SUCCESS");
  });
});

test("each alert says what it is, how bad, and where it is explained", () => {
  const page = readFileSync(join(repository, "docs/alerts.md"), "utf8");
  const headings = [...page.matchAll(/^## `?(Countersign\w+)`?$/gm)].map(([, name]) => name);
  expect(headings).toEqual(alerts.map(({ alert }) => alert));
  for (const { alert = "", labels, annotations } of alerts) {
    expect(annotations).toEqual({
      summary: expect.any(String),
      description: expect.any(String),
      runbook: `docs/alerts.md#${alert.toLowerCase()}`,
    });
    expect(labels?.severity).toMatch(/^(critical|warning|info)$/);
  }
});

test("each alert is tried, both firing and silent", () => {
  const tried = readFileSync(join(prometheusFolder, "countersign.rules.test.yml"), "utf8");
  for (const { alert } of alerts) {
    expect(tried).toContain(`{alertname: ${alert}, eval_time: 50m, exp_alerts: []}`);
    expect(tried).toContain(`- alertname: ${alert}\n`);
  }
});

test("rules and dashboard name no metric that a server does not have", async () => {
  const metrics = createMetrics();
  // Only a server with a bucket has these.
  metrics.archive();
  const text = await metrics.text();
  const there = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  const named = new Set([...rules.map(({ expr }) => expr), ...expressions.map(({ expr }) => expr)].flatMap(metricsIn));
  expect([...named].filter((name) => !there.includes(name))).toEqual([]);
});

test("the dashboard asks any data source and any instance, and its panels do not overlap", () => {
  expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
    ["datasource", "datasource"],
    ["instance", "query"],
  ]);
  for (const { expr } of expressions) expect(expr).not.toMatch(/\$/);
  const boxes = dashboard.panels.map(({ gridPos }) => gridPos);
  for (const [i, a] of boxes.entries()) {
    for (const b of boxes.slice(i + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      expect(apart).toBe(true);
    }
  }
});
