import { createServer, type Server } from "node:net";
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-node";
import { startTracing } from "../../src/telemetry/tracing.js";
import { freePort } from "../harness/process.js";

/** Takes connections and never says a word. */
async function silentServer(): Promise<{ url: string; stop: () => void }> {
  const server: Server = createServer((socket) => void sockets.add(socket));
  const sockets = new Set<import("node:net").Socket>();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

function spans(tracing: ReturnType<typeof startTracing>, count: number): number {
  const from = performance.now();
  for (let i = 0; i < count; i++) tracing.tracer.startSpan("countersign.decision").end();
  return performance.now() - from;
}

test("spans say which service they come from, and reach the exporter when it closes at the latest", async () => {
  const exporter = new InMemorySpanExporter();
  const flushed: string[] = [];
  const tracing = startTracing({
    exporter: {
      export(batch, done) {
        flushed.push(...batch.map((span) => `${span.resource.attributes["service.name"]} ${span.name}`));
        exporter.export(batch, done);
      },
      shutdown: () => exporter.shutdown(),
    },
  });
  spans(tracing, 2);
  expect(flushed).toEqual([]);
  await tracing.close();
  expect(flushed).toEqual(["countersign countersign.decision", "countersign countersign.decision"]);
});

test("a caller that does not sample its own trace leaves a span here all the same", async () => {
  const exporter = new InMemorySpanExporter();
  const tracing = startTracing({
    exporter: { export: (batch, done) => exporter.export(batch, done), shutdown: async () => {} },
  });
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const unsampled = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: "b7ad6b7169203331", traceFlags: 0 });
  tracing.tracer.startSpan("countersign.decision", {}, unsampled).end();
  await tracing.close();
  expect(exporter.getFinishedSpans().map((span) => span.spanContext().traceId)).toEqual([traceId]);
});

test("without a collector decisions have trace ids all the same", async () => {
  const tracing = startTracing(null);
  const span = tracing.tracer.startSpan("x");
  expect(span.spanContext().traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  span.end();
  await tracing.close();
});

describe("a collector that is away", () => {
  test("costs no call anything, and a stop little", async () => {
    const tracing = startTracing({ url: `http://127.0.0.1:${await freePort()}` });
    expect(spans(tracing, 5_000)).toBeLessThan(2_000);
    const from = performance.now();
    await expect(tracing.close()).rejects.toThrow();
    expect(performance.now() - from).toBeLessThan(4_000);
  });

  test("and takes connections without a word costs no more", async () => {
    const silent = await silentServer();
    const tracing = startTracing({ url: silent.url });
    expect(spans(tracing, 5_000)).toBeLessThan(2_000);
    const from = performance.now();
    await expect(tracing.close()).rejects.toThrow();
    expect(performance.now() - from).toBeLessThan(4_000);
    silent.stop();
  });
});
