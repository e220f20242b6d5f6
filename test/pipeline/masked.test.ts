import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { pino } from "pino";
import type { Stages } from "../../src/pipeline.js";
import { decisionTelemetry } from "../../src/telemetry/decision.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { deploy, files } from "./calls.js";
import { startWorld, type World } from "./world.js";

const spans = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const lines: string[] = [];
const telemetry = decisionTelemetry({
  tracer: provider.getTracer("test"),
  metrics: createMetrics(),
  // Only the decision's span, however busy the machine is.
  slowStageMs: 60_000,
  log: pino({ base: null }, { write: (line: string) => void lines.push(line) }),
});

let world: World;
afterEach(async () => {
  spans.reset();
  lines.length = 0;
  await world.close();
});
afterAll(() => provider.shutdown());

const searching = {
  ...files,
  policies: { "bot.yaml": { agent: "bot", actions: [{ name: "*", dlp: { ssn: "tag", email: "tag" } }] } },
};

async function ask(path: string, body: object, stages: Partial<Stages> = {}) {
  world = await startWorld(searching, { stages, wrap: () => ({ telemetry }) });
  const told = await world.ask(deploy("bot", { path, body: Buffer.from(JSON.stringify(body)) }));
  const [span] = spans.getFinishedSpans();
  return { told, attributes: span?.attributes ?? {}, line: JSON.parse(lines[0] ?? "{}") as Record<string, unknown> };
}

test("what detectors found is masked for operators, and in Envoy's metadata, as it is in the record", async () => {
  const { told, attributes, line } = await ask("/v1/ada@example.com", { environment: "219-09-9999" });
  const shown = { action: "[email]", environment: "[ssn]" };
  expect(await world.records()).toMatchObject([{ ...shown, http: { path: "/v1/[email]" }, reason: "allowed" }]);
  expect(line).toMatchObject(shown);
  expect(attributes).toMatchObject(shown);
  expect(told.metadata).toMatchObject({ action: "[email]", reason: "allowed" });
  expect(JSON.stringify([attributes, line, told.metadata])).not.toMatch(/ada@|219-09-9999/);
});

test("no call blanks what it did by repeating it under a telling name, or by padding it", async () => {
  const mrn = { "bot.yaml": { agent: "bot", actions: [{ name: "*", dlp: { mrn: "tag" } }] } };
  world = await startWorld({ ...files, policies: mrn }, { wrap: () => ({ telemetry }) });
  const repeated = { environment: "prod-eu1", command: "drop-v2", x: { mrn: ["prod-eu1", "delete-v2", "drop-v2"] } };
  const padded = { environment: "prod-eu1", command: "drop-v2", pad: "x".repeat(263_000) };
  for (const body of [repeated, padded]) {
    await world.ask(deploy("bot", { path: "/v1/delete-v2", body: Buffer.from(JSON.stringify(body)) }));
  }
  const shown = { action: "delete-v2", environment: "prod-eu1" };
  const of = { ...shown, opa_decision: { input: { ...shown, params: { command: "drop-v2" } } } };
  expect(await world.records()).toMatchObject([of, of]);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([shown, shown]);
});

test("tokens are masked there too when nothing else is known of the call", async () => {
  const token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln";
  const failing: Partial<Stages> = {
    evaluate: () => {
      throw new Error("the program failed");
    },
  };
  const { told, attributes, line } = await ask(`/v1/${token}`, { environment: token }, failing);
  const shown = { action: "[token]", environment: "[token]" };
  expect(await world.records()).toMatchObject([{ ...shown, http: { path: "/v1/[token]" }, reason: "internal_error" }]);
  expect([line, attributes]).toMatchObject([shown, shown]);
  expect(told.metadata.action).toBe("[token]");
  expect(JSON.stringify([told, attributes, line])).not.toContain(token);
});

test("what cannot be masked is shown nowhere, and nothing passes", async () => {
  const real = (await import("../../src/pipeline.js")).stages;
  const broken: Partial<Stages> = {
    evaluate: async (parts) => {
      const evaluation = await real.evaluate(parts);
      const masked = () => {
        throw new Error("the detectors failed");
      };
      return { ...evaluation, scanned: evaluation.scanned && { ...evaluation.scanned, masked, maskedText: masked } };
    },
  };
  const { told, attributes, line } = await ask("/v1/deploy", { environment: "219-09-9999" }, broken);
  expect(told).toMatchObject({ status: 503, ok: null, metadata: { reason: "audit_unavailable" } });
  expect(await world.records()).toEqual([]);
  expect(line).not.toHaveProperty("environment");
  expect(JSON.stringify(line.errors)).toContain("the detectors failed");
  expect(JSON.stringify([told, attributes, line])).not.toContain("219-09-9999");
});
