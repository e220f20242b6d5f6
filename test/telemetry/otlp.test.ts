import { type Attributes, ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import fc from "fast-check";
import { type EndedSpan, exportRequest, spanSource } from "../../src/telemetry/otlp.js";
import { SpanBatch } from "../../src/telemetry/span_batch.js";

const service = { name: "countersign", version: "1.2.3" };

/** The same spans, made and written by the SDK. */
function bySdk(spans: readonly EndedSpan[]): Uint8Array {
  let next: EndedSpan | undefined;
  const kept = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ "service.name": service.name, "service.version": service.version }),
    spanProcessors: [new SimpleSpanProcessor(kept)],
    idGenerator: { generateTraceId: () => next?.traceId ?? "", generateSpanId: () => next?.spanId ?? "" },
  });
  const tracer = provider.getTracer(service.name, service.version);
  const time = (us: number): [number, number] => [Math.floor(us / 1e6), (us % 1e6) * 1_000];
  for (const span of spans) {
    next = span;
    const { traceId, parent, attributes } = span;
    const above = parent && {
      traceId,
      spanId: parent.spanId,
      traceFlags: TraceFlags.SAMPLED,
      isRemote: parent.isRemote,
      ...(parent.traceState !== "" && { traceState: new TraceState(parent.traceState) }),
    };
    const context = above ? trace.setSpanContext(ROOT_CONTEXT, above) : ROOT_CONTEXT;
    // The API counts kinds from 0, without one for "unspecified".
    const made = tracer.startSpan(span.name, { startTime: time(span.startUs), kind: span.kind - 1 }, context);
    made.setAttributes(attributes as Attributes);
    if (span.error !== null) made.setStatus({ code: 2, message: span.error });
    made.end(time(span.endUs));
  }
  return ProtobufTraceSerializer.serializeRequest(kept.getFinishedSpans()) ?? new Uint8Array();
}

const texts = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ maxLength: 300 }));
/** Whole numbers that ours never are, below zero or too large to be exact, are written as doubles. */
const doubles = fc.double().filter((value) => !Number.isInteger(value) || (value >= 0 && Number.isSafeInteger(value)));
const values = fc.oneof(texts, fc.boolean(), fc.nat(), fc.maxSafeNat(), doubles, fc.constant(undefined));
const names = texts.filter((name) => name !== "" && name !== "__proto__");
const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: digits, maxLength: digits });
const id = (digits: number) => hex(digits).filter((text) => !/^0+$/.test(text));

const traceState = fc.constantFrom("", "vendor=1", "a=1,b=2");
const parent = fc.option(fc.record({ spanId: id(16), isRemote: fc.boolean(), traceState }), { nil: null });
const spans: fc.Arbitrary<EndedSpan> = fc
  .record({
    name: texts,
    kind: fc.constantFrom(1 as const, 2 as const),
    traceId: id(32),
    spanId: id(16),
    parent,
    startUs: fc.oneof(fc.nat(2 ** 31), fc.integer({ min: 0, max: 2 ** 52 }), fc.constant(2 ** 32 * 400_000)),
    tookUs: fc.oneof(fc.nat(1_000), fc.nat()),
    attributes: fc.dictionary(names, values),
    error: fc.option(texts, { nil: null }),
  })
  .map(({ tookUs, ...span }) => ({ ...span, endUs: span.startUs + tookUs }));

test("spans are written as the SDK writes them", () => {
  const source = spanSource(service.name, service.version);
  fc.assert(
    fc.property(fc.array(spans, { minLength: 1, maxLength: 5 }), (all) => {
      const batch = new SpanBatch();
      for (const span of all) batch.add(span);
      const ours = exportRequest(source, batch.encoded());
      expect(Buffer.from(ours).toString("hex")).toBe(Buffer.from(bySdk(all)).toString("hex"));
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000 },
  );
});

test("a batch that was emptied holds nothing of the spans that were in it", () => {
  const source = spanSource(service.name, service.version);
  const batch = new SpanBatch();
  fc.assert(
    fc.property(fc.array(spans, { minLength: 1, maxLength: 40 }), (all) => {
      batch.clear();
      expect([batch.count, batch.encoded().length]).toEqual([0, 0]);
      for (const span of all) batch.add(span);
      expect(batch.count).toBe(all.length);
      const ours = exportRequest(source, batch.encoded());
      expect(Buffer.from(ours).toString("hex")).toBe(Buffer.from(bySdk(all)).toString("hex"));
    }),
    { numRuns: 50, interruptAfterTimeLimit: 20_000 },
  );
});
