import type { Tracer } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { version } from "../version.js";
import { spanIds } from "./ids.js";
import { SpanQueue, type SpanQueueOptions } from "./span_queue.js";

export interface Tracing {
  /** `null` without an exporter. */
  tracer: Tracer | null;
  /** Sends what is waiting, for two seconds at most. Rejects when the collector did not take it. */
  close(): Promise<void>;
}

/** Spans to an exporter. Without one none are made; decisions have trace ids all the same, for records and log lines. */
export function startTracing(target: SpanQueueOptions): Tracing & { tracer: Tracer };
export function startTracing(target: SpanQueueOptions | null): Tracing;
export function startTracing(target: SpanQueueOptions | null): Tracing {
  if (!target) return { tracer: null, close: async () => {} };
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": "countersign", "service.version": version }),
    // Which spans are kept is known when the decision is, and is not for the agent's `traceparent` to say.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new SpanQueue({ ...schedule(), ...target })],
    idGenerator: spanIds,
  });
  return { tracer: provider.getTracer("countersign", version), close: () => provider.shutdown() };
}

/** The variable of OpenTelemetry's SDKs, in milliseconds. */
function schedule(): { delayMs?: number } {
  const delayMs = Number(process.env.OTEL_BSP_SCHEDULE_DELAY);
  return Number.isInteger(delayMs) && delayMs > 0 ? { delayMs } : {};
}
