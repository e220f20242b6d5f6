import type { Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-node";

export interface Tracing {
  tracer: Tracer;
  /** Sends what is waiting, for two seconds at most. Rejects when the collector did not take it. */
  close(): Promise<void>;
}

/** Longest time one batch may take, repeats included, and so what a dead collector can add to a stop. */
const exportTimeoutMs = 2_000;

/**
 * Spans over OTLP/HTTP to `url` (the collector's base, such as `http://127.0.0.1:4318`), or to another exporter. With
 * neither, decisions still have trace ids, which records and log lines carry.
 */
export function startTracing(target: { url: string } | { exporter: SpanExporter } | null): Tracing {
  const exporter =
    target &&
    ("exporter" in target
      ? target.exporter
      : new OTLPTraceExporter({ url: traces(target.url), timeoutMillis: exportTimeoutMs }));
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": "countersign" }),
    // Whether a decision leaves a span is not for the agent's `traceparent` to say.
    sampler: new AlwaysOnSampler(),
    // The queue is bounded: a collector that is away costs spans, never calls.
    spanProcessors: exporter ? [new BatchSpanProcessor(exporter, { maxQueueSize: 2048 })] : [],
  });
  return { tracer: provider.getTracer("countersign"), close: () => provider.shutdown() };
}

function traces(base: string): string {
  return new URL("v1/traces", base.endsWith("/") ? base : `${base}/`).href;
}
