import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT_CONTEXT, type Tracer, trace } from "@opentelemetry/api";
import { type Collector as Configured, openExporter } from "../../src/telemetry/exporter.js";
import type { SpanQueueOptions, SpanResult } from "../../src/telemetry/span_queue.js";
import { startTracing } from "../../src/telemetry/tracing.js";
import { type Collector, startCollector } from "../harness/collector.js";
import { freePort } from "../harness/process.js";
import { until } from "../harness/until.js";

const protocols = ["http", "grpc"] as const;

/** Tracing to a collector, and what was told of it. */
async function tracingTo(target: Configured, more: Partial<SpanQueueOptions> = {}) {
  const counts: Record<SpanResult, number> = { sent: 0, dropped: 0, failed: 0, sampled_out: 0 };
  const said: string[] = [];
  const watch = {
    counted: (result: SpanResult, count: number) => {
      counts[result] += count;
    },
    waiting: () => {},
    away: () => void said.push("away"),
    back: () => void said.push("back"),
  };
  const exporter = await openExporter(target);
  const tracing = startTracing({ exporter, watch, delayMs: 5, retryMs: [20, 40], ...more });
  return { tracing, counts, said };
}

/** Milliseconds that so many spans take whoever makes them. */
function make({ tracer }: { tracer: Tracer }, count: number): number {
  const from = performance.now();
  for (let i = 0; i < count; i++) tracer.startSpan("countersign.decision", { attributes: { i } }).end();
  return performance.now() - from;
}

describe.each(protocols)("a collector of OTLP over %s", (protocol) => {
  let collector: Collector;
  beforeEach(async () => {
    collector = await startCollector(protocol);
  });
  afterEach(() => collector.stop());
  const target = () => ({ url: collector.url, protocol });

  test("gets every span once, with its service, attributes and parent", async () => {
    const { tracing, counts } = await tracingTo(target());
    const parent = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 0 };
    const attributes = { agent_id: "bot", latency_us: 412, latency: 0.000412, threw: false };
    // The caller does not sample its own trace: that is not for it to say here.
    tracing.tracer
      .startSpan("countersign.decision", { kind: 1, attributes }, trace.setSpanContext(ROOT_CONTEXT, parent))
      .end();
    await tracing.close();
    expect(collector.spans).toEqual([
      {
        name: "countersign.decision",
        service: "countersign",
        traceId: parent.traceId,
        spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
        parentSpanId: parent.spanId,
        kind: 2,
        attributes,
        status: 0,
      },
    ]);
    expect(counts).toEqual({ sent: 1, dropped: 0, failed: 0, sampled_out: 0 });
    if (protocol === "http") expect(collector.headers[0]).toMatchObject({ path: "POST /v1/traces" });
  });

  test("gets what it missed while it was away, in order, and each change is said once", async () => {
    const { tracing, counts, said } = await tracingTo(target());
    make(tracing, 1);
    await until(() => counts.sent === 1, { what: "the first span" });
    await collector.stop();
    expect(make(tracing, 1_500)).toBeLessThan(5_000);
    await until(() => said.length === 1, { what: "that it is away" });
    make(tracing, 500);
    const { spans: before, port } = collector;
    collector = await startCollector(protocol, port);
    await until(() => counts.sent === 2_001, { what: "what was missed", timeoutMs: 60_000 });
    await tracing.close();
    expect([before.length, collector.spans.length]).toEqual([1, 2_000]);
    const order = collector.spans.map(({ attributes }) => attributes.i);
    expect(order).toEqual([...Array(1_500).keys(), ...Array(500).keys()]);
    expect(said).toEqual(["away", "back"]);
    expect(counts).toMatchObject({ dropped: 0, failed: 0 });
  });

  test("that takes connections without a word costs no call anything, and a stop little", async () => {
    collector.answer = "silence";
    const { tracing, counts } = await tracingTo(target(), { maxWaiting: 1_000 });
    expect(make(tracing, 5_000)).toBeLessThan(5_000);
    const from = performance.now();
    await expect(tracing.close()).rejects.toThrow("did not take the last 1000 spans");
    expect(performance.now() - from).toBeLessThan(10_000);
    expect(counts).toMatchObject({ sent: 0, dropped: 4_000, failed: 1_000 });
  });

  test("that says it will never take a batch is believed", async () => {
    // INVALID_ARGUMENT
    collector.answer = protocol === "http" ? 400 : 3;
    const { tracing, counts, said } = await tracingTo(target());
    make(tracing, 10);
    await until(() => counts.failed === 10, { what: "that it gave them up" });
    collector.answer = 200;
    make(tracing, 1);
    await tracing.close();
    expect(collector.spans).toHaveLength(1);
    expect(said).toEqual(["away", "back"]);
  });

  test("that is nowhere is the same", async () => {
    const { tracing, counts } = await tracingTo({ url: `http://127.0.0.1:${await freePort()}`, protocol });
    expect(make(tracing, 100)).toBeLessThan(5_000);
    await expect(tracing.close()).rejects.toThrow("did not take the last 100 spans");
    expect(counts.failed).toBe(100);
  });
});

test("without a collector no spans are made", async () => {
  const tracing = startTracing(null);
  expect(tracing.tracer).toBeNull();
  await tracing.close();
});

describe("headers for the collector", () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "countersign-headers-"));
    file = join(folder, "otlp.headers");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const write = async (text: string, mode = 0o600) => {
    await writeFile(file, text, { mode });
    await chmod(file, mode);
  };

  test.each(protocols)("go with each batch over %s", async (protocol) => {
    const collector = await startCollector(protocol);
    await write("Authorization: Bearer s3cret\n\nx-tenant:  a b \n");
    const { tracing } = await tracingTo({ url: collector.url, protocol, headers_file: file });
    make(tracing, 1);
    await tracing.close();
    expect(collector.headers).toEqual([expect.objectContaining({ authorization: "Bearer s3cret", "x-tenant": "a b" })]);
    await collector.stop();
  });

  const refused: [string, string, string][] = [
    ["is empty", "\n", "holds no header"],
    ["has a line of another form", "authorization Bearer s3cret\n", ":1: write one header as name: value"],
    ["has a value with a control character", "x: a\u0007b\n", ":1: write one header as name: value"],
    ["has bytes for gRPC", "x-bin: s3cret\n", ":1: write one header as name: value"],
    ["names one twice", "a: 1\nA: s3cret\n", ":2: the header a is there twice"],
  ];
  test.each(refused)("a file that %s is refused, and says nothing of what it holds", async (_what, text, why) => {
    await write(text);
    const opened = openExporter({ url: "http://127.0.0.1:4318", protocol: "http", headers_file: file });
    const message = await opened.then(String, (error: Error) => error.message);
    expect(message).toBe(
      `${file}${why.startsWith(":") ? "" : ": "}${why.startsWith("holds") ? `${why}; write one as name: value` : why}`,
    );
    expect(message).not.toContain("s3cret");
  });

  test("a file that others can read, or that is not there, is refused", async () => {
    await write("a: 1\n", 0o644);
    const target = { url: "http://127.0.0.1:4318", protocol: "grpc", headers_file: file } as const;
    await expect(openExporter(target)).rejects.toThrow("other users of the machine can read these headers");
    await rm(file);
    await expect(openExporter(target)).rejects.toThrow("cannot be read");
  });

  test("are not sent in plain text beyond this host", async () => {
    await write("a: 1\n");
    const target = { url: "http://collector.internal:4318", protocol: "http", headers_file: file } as const;
    await expect(openExporter(target)).rejects.toThrow("the headers are secret: write an https:// URL");
    await expect(openExporter({ ...target, url: "https://collector.internal:4318" })).resolves.toBeDefined();
  });
});
