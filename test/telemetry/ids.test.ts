import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { randomHex } from "../../src/random.js";
import { newTraceId, spanIds, startSpanIn } from "../../src/telemetry/ids.js";

const tracer = new NodeTracerProvider({ idGenerator: spanIds }).getTracer("test");
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";

test("a span is started in the trace that was given, once", () => {
  const given = startSpanIn({ tracer, traceId }, "x", {}, ROOT_CONTEXT);
  expect(given.spanContext()).toMatchObject({ traceId, spanId: expect.stringMatching(/^(?!0{16})[0-9a-f]{16}$/) });
  expect(tracer.startSpan("y", {}, ROOT_CONTEXT).spanContext().traceId).not.toBe(traceId);
});

test("a parent has the last word, and leaves nothing behind for the next span", () => {
  const parent = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };
  const span = startSpanIn({ tracer, traceId }, "x", {}, trace.setSpanContext(ROOT_CONTEXT, parent));
  expect(span.spanContext().traceId).toBe(parent.traceId);
  expect(tracer.startSpan("y", {}, ROOT_CONTEXT).spanContext().traceId).not.toBe(traceId);
});

test("ids are of the right size, and no two are alike", () => {
  const ids = Array.from({ length: 5_000 }, newTraceId);
  expect(new Set(ids).size).toBe(5_000);
  for (const id of ids) expect(id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
});

test("random bytes come from all over the pool, and none of them twice", () => {
  const all = Array.from({ length: 4_000 }, () => randomHex(8));
  expect(new Set(all).size).toBe(4_000);
  expect(new Set(all.join("").match(/../g)).size).toBe(256);
});
