import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { pino } from "pino";
import { decisionTelemetry } from "../../src/telemetry/decision.js";
import { spanIds } from "../../src/telemetry/ids.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { repository } from "../harness/programs.js";

const page = readFileSync(join(repository, "docs/telemetry.md"), "utf8");
const section = (title: string): string => page.split(/^## /m).find((text) => text.startsWith(title)) ?? "";
const cells = (title: string): string[][] =>
  [...section(title).matchAll(/^\| (`.*) \|$/gm)].map((row) => (row[1] ?? "").split(" | "));
const names = (cell: string | undefined): string[] =>
  [...(cell ?? "").matchAll(/`([^`]+)`/g)].map((name) => name[1] ?? "");

test("metrics are these, with their types and labels", async () => {
  const metrics = createMetrics();
  metrics.decided({
    computed: "deny",
    enforced: "allow",
    mode: "shadow",
    reason: "max_replicas",
    rules: ["max_replicas"],
    seconds: 0,
    agent: "deploy-manager",
    dailyBudget: { day: Math.floor(Date.now() / 86_400_000), used: 0.5 },
  });
  metrics.stage("read")(0);
  metrics.spans("sent", 1);
  metrics.approvalAnswered("approved", 1);
  metrics.loaded("policies", "loaded");
  metrics.policyVersion("sha256:aa");
  metrics.budgetWarned({ limit: "daily_budget", mode: "enforce", percent: 80 });
  metrics.notified("webhook", "approval.opened", "sent");
  metrics.notificationsWaiting("webhook", 0);
  metrics.outcome("recorded");
  metrics.archive().uploaded("stored");
  const text = await metrics.text();
  const there = [...text.matchAll(/^# TYPE (countersign_\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => {
    const sample = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\}`, "m").exec(text)?.[1] ?? "";
    const labels = [...sample.matchAll(/(\w+)="/g)].map((label) => label[1] ?? "").filter((label) => label !== "le");
    return { name, type, labels: labels.sort() };
  });
  const told = cells("Metrics").map(([name, type, labels]) => {
    return { name: names(name)[0], type, labels: names(labels).sort() };
  });
  expect(told).toEqual(there);
});

test("span attributes and log fields are these", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    idGenerator: spanIds,
  });
  let line: Record<string, unknown> = {};
  const log = pino(
    { base: null },
    {
      write: (text: string) => {
        line = JSON.parse(text);
      },
    },
  );
  const telemetry = decisionTelemetry({ tracer: provider.getTracer("test"), log, metrics: createMetrics() });
  telemetry.start({ attributes: null }).end({
    decisionId: "1",
    agentId: "a",
    sessionId: "s",
    tool: "t",
    action: "x",
    environment: "e",
    http: { method: "GET", host: "h", port: 443 },
    decision: "deny",
    enforced: "deny",
    reason: "internal_error",
    rules: [],
    mode: "enforce",
    policyVersion: "v",
    latencyUs: 1,
    startedUs: 0,
    slow: [{ stage: "read", startUs: 0, endUs: 1, threw: false }],
    dailyBudget: null,
    failures: [new Error("x")],
  });
  const told = cells("Spans").flatMap(([name]) => names(name));
  const [child, root] = exporter.getFinishedSpans();
  const fields = Object.keys(line).filter((field) => !told.includes(field) && field !== "msg");
  expect(
    cells("Log")
      .flatMap(([name]) => names(name))
      .sort(),
  ).toEqual(fields.sort());
  expect(Object.keys(root?.attributes ?? {}).sort()).toEqual(told.sort());
  for (const name of Object.keys(child?.attributes ?? {})) expect(section("Spans")).toContain(`\`${name}\``);
});
