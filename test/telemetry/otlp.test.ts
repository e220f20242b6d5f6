import type { Attributes } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import fc from "fast-check";
import { exportRequest } from "../../src/telemetry/otlp.js";

const texts = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ maxLength: 300 }));
const values = fc.oneof(texts, fc.boolean(), fc.nat(), fc.maxSafeNat(), fc.double());

test("spans are written as the SDK writes them", () => {
  const names = texts.filter((name) => name !== "" && name !== "__proto__");
  const made = fc.record({
    name: texts,
    attributes: fc.dictionary(names, values) as fc.Arbitrary<Attributes>,
    startTime: fc.tuple(fc.nat(2 ** 31), fc.nat(999_999_999)),
    message: fc.option(texts),
  });
  fc.assert(
    fc.property(fc.array(made, { minLength: 1, maxLength: 5 }), (all) => {
      const kept = new InMemorySpanExporter();
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(kept)] });
      const tracer = provider.getTracer("countersign", "1");
      for (const { name, attributes, startTime, message } of all) {
        const span = tracer.startSpan(name, { attributes, startTime, kind: 1 });
        if (message !== null) span.setStatus({ code: 2, message });
        span.end([startTime[0] + 1, startTime[1]]);
      }
      const spans = kept.getFinishedSpans();
      // Whole numbers that ours never are, below zero or too large to be exact, are written as doubles.
      const isOdd = (value: unknown) => Number.isInteger(value) && (Number(value) < 0 || !Number.isSafeInteger(value));
      fc.pre(!spans.some(({ attributes }) => Object.values(attributes).some(isOdd)));
      const [ours, theirs] = [exportRequest(spans), ProtobufTraceSerializer.serializeRequest(spans)];
      expect(Buffer.from(ours).toString("hex")).toBe(Buffer.from(theirs ?? []).toString("hex"));
    }),
    { numRuns: 200, interruptAfterTimeLimit: 20_000 },
  );
});
