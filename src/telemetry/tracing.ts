import type { Tracer } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { version } from "../version.js";
import { SpanQueue, type SpanQueueOptions } from "./span_queue.js";

export interface Tracing {
  tracer: Tracer;
  /** Sends what is waiting, for two seconds at most. Rejects when the collector did not take it. */
  close(): Promise<void>;
}

/** Spans to an exporter. Without one, decisions still have trace ids, which records and log lines carry. */
export function startTracing(target: SpanQueueOptions | null): Tracing {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": "countersign", "service.version": version }),
    // Which spans are kept is known when the decision is, and is not for the agent's `traceparent` to say.
    sampler: new AlwaysOnSampler(),
    spanProcessors: target ? [new SpanQueue({ ...schedule(), ...target })] : [],
  });
  return { tracer: provider.getTracer("countersign", version), close: () => provider.shutdown() };
}

/** The variable of OpenTelemetry's SDKs, in milliseconds. */
function schedule(): { delayMs?: number } {
  const delayMs = Number(process.env.OTEL_BSP_SCHEDULE_DELAY);
  return Number.isInteger(delayMs) && delayMs > 0 ? { delayMs } : {};
}
