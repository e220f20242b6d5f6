import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { pino } from "pino";
import { settle } from "../../src/settle/index.js";
import { decisionTelemetry } from "../../src/telemetry/decision.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { deploy, files } from "./calls.js";
import { startWorld, type World } from "./world.js";

const spans = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const metrics = createMetrics();
const telemetry = decisionTelemetry({
  tracer: provider.getTracer("test"),
  metrics,
  log: pino({ level: "silent" }),
  // Longer than any stage takes here by itself.
  slowStageMs: 60_000,
});
let world: World;
afterEach(() => world.close());
afterAll(() => provider.shutdown());

test("the stage that took long has a span below the decision's, and every stage is in the metrics", async () => {
  const clock = { extraUs: 0 };
  const slowed = decisionTelemetry({
    tracer: provider.getTracer("test"),
    metrics,
    log: pino({ level: "silent" }),
    slowStageMs: 60_000,
    runtime: { now: () => Date.now(), monotonicMicros: () => Math.round(performance.now() * 1000) + clock.extraUs },
  });
  world = await startWorld(files, {
    wrap: () => ({ telemetry: slowed }),
    stages: {
      settle: async (parts) => {
        const result = await settle(parts);
        clock.extraUs += 61_000_000;
        return result;
      },
    },
  });
  expect((await world.ask(deploy("bot"))).ok).not.toBeNull();
  const [child, root] = spans.getFinishedSpans();
  expect([child?.name, root?.name]).toEqual(["countersign.settle", "countersign.decision"]);
  expect(child?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
  expect(child?.duration[0]).toBeGreaterThanOrEqual(61);
  expect(root?.attributes).toMatchObject({ "gen_ai.agent.id": "bot", "http.request.method": "POST" });
  const text = await metrics.text();
  for (const stage of [
    "read",
    "identify",
    "decode",
    "attest",
    "recall",
    "evaluate",
    "settle",
    "decide",
    "record",
    "respond",
  ]) {
    expect(text).toContain(`countersign_stage_seconds_count{stage="${stage}"} 1\n`);
  }
  expect(text).toContain('countersign_agent_decisions_total{agent="bot",enforced="allow"} 1\n');
});

test("fast stages leave no spans, and a stage that throws is measured too", async () => {
  spans.reset();
  world = await startWorld(files, {
    wrap: () => ({ telemetry }),
    stages: {
      evaluate: () => {
        throw new Error("broken");
      },
    },
  });
  await world.ask(deploy("bot"));
  expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(["countersign.decision"]);
  expect(await metrics.text()).toContain('countersign_stage_seconds_count{stage="evaluate"} 2\n');
});
