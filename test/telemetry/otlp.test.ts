import { type Attributes, ROOT_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { TraceState } from "@opentelemetry/core";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import fc from "fast-check";
import { SpanBatch } from "../../src/telemetry/span_batch.js";

const texts = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ maxLength: 300 }));
/** Whole numbers that ours never are, below zero or too large to be exact, are written as doubles. */
const doubles = fc.double().filter((value) => !Number.isInteger(value) || (value >= 0 && Number.isSafeInteger(value)));
const values = fc.oneof(texts, fc.boolean(), fc.nat(), fc.maxSafeNat(), doubles, fc.constant(undefined));
const names = texts.filter((name) => name !== "" && name !== "__proto__");
const attributes = fc.dictionary(names, values) as fc.Arbitrary<Attributes>;
const id = (digits: number) =>
  fc
    .string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: digits, maxLength: digits })
    .filter((text) => !/^0+$/.test(text));
const parent = fc.record(
  {
    traceId: id(32),
    spanId: id(16),
    traceFlags: fc.constantFrom(TraceFlags.NONE, TraceFlags.SAMPLED),
    isRemote: fc.boolean(),
    traceState: fc.constantFrom(new TraceState("vendor=1"), new TraceState("a=1,b=2")),
  },
  { requiredKeys: ["traceId", "spanId", "traceFlags"] },
);
const recorded = fc.record({
  name: texts,
  kind: fc.nat(4),
  parent: fc.option(parent),
  startTime: fc.tuple(fc.oneof(fc.nat(2 ** 31), fc.nat(2 ** 33)), fc.nat(999_999_999)),
  seconds: fc.nat(1_000),
  attributes,
  message: fc.option(texts),
});
const all = fc.array(recorded, { minLength: 1, maxLength: 20 });
const service = fc.record({ resource: attributes, scope: texts, version: fc.option(texts, { nil: undefined }) });
type Recorded = typeof recorded extends fc.Arbitrary<infer T> ? T : never;
type Service = typeof service extends fc.Arbitrary<infer T> ? T : never;

/** Makes spans with the SDK, which are kept as objects. */
function made({ resource, scope, version }: Service, spans: readonly Recorded[]) {
  const kept = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes(resource),
    spanProcessors: [new SimpleSpanProcessor(kept)],
  });
  const tracer = provider.getTracer(scope, version);
  for (const { name, kind, parent: above, startTime, seconds, attributes, message } of spans) {
    const context = above ? trace.setSpanContext(ROOT_CONTEXT, above) : ROOT_CONTEXT;
    const span = tracer.startSpan(name, { kind, startTime }, context);
    span.setAttributes(attributes);
    if (message !== null) span.setStatus({ code: 2, message });
    span.end([startTime[0] + seconds, startTime[1]]);
  }
  return kept.getFinishedSpans();
}

test("spans are written as the SDK writes them, whatever was in the batch before", () => {
  const batch = new SpanBatch();
  fc.assert(
    fc.property(service, all, (by, given) => {
      const spans = made(by, given);
      batch.clear();
      for (const span of spans) batch.add(span);
      expect(batch.count).toBe(spans.length);
      const theirs = ProtobufTraceSerializer.serializeRequest(spans) ?? [];
      expect(Buffer.from(batch.request()).toString("hex")).toBe(Buffer.from(theirs).toString("hex"));
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000 },
  );
});

const one: Service = { resource: { "service.name": "countersign" }, scope: "countersign", version: "1.2.3" };
const plain: Recorded = {
  name: "x",
  kind: 1,
  parent: null,
  startTime: [1_772_366_400, 250_000_000],
  seconds: 1,
  attributes: { a: 1 },
  message: null,
};

test("a batch that was emptied holds nothing of the spans that were in it", () => {
  const batch = new SpanBatch();
  for (const span of made(one, [plain])) batch.add(span);
  batch.clear();
  expect([batch.count, batch.request().length]).toEqual([0, 0]);
});

test("a span that cannot be written changes nothing of its batch, and who made the spans is told of one that could", () => {
  const batch = new SpanBatch();
  const [odd] = made({ ...one, scope: "other" }, [{ ...plain, attributes: { a: ["b"] } }]);
  if (!odd) throw new Error("there is no span");
  expect(() => batch.add(odd)).toThrow(TypeError);
  expect(batch.request().length).toBe(0);
  const spans = made(one, [plain, plain]);
  for (const span of spans) {
    batch.add(span);
    expect(() => batch.add(odd)).toThrow(TypeError);
  }
  expect(batch.count).toBe(2);
  const theirs = ProtobufTraceSerializer.serializeRequest(spans) ?? [];
  expect(Buffer.from(batch.request()).toString("hex")).toBe(Buffer.from(theirs).toString("hex"));
});

test("who made the spans is encoded once", () => {
  const [span] = made(one, [plain]);
  if (!span) throw new Error("there is no span");
  let reads = 0;
  const resource = Object.create(span.resource, {
    attributes: {
      get() {
        reads++;
        return span.resource.attributes;
      },
    },
  });
  const batch = new SpanBatch();
  for (let i = 0; i < 3; i++) {
    batch.clear();
    for (let j = 0; j < 3; j++) batch.add(Object.create(span, { resource: { value: resource } }));
  }
  expect(reads).toBe(1);
});
