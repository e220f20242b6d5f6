import type { SpanSink } from "./otlp.js";
import { SpanQueue, type SpanQueueOptions } from "./span_queue.js";

export interface Tracing {
  /** `null` without an exporter. */
  spans: SpanSink | null;
  /** Sends what is waiting, for two seconds at most. Rejects when the collector did not take it. */
  close(): Promise<void>;
}

/** Spans to an exporter. Without one none are made; decisions have trace ids all the same, for records and log lines. */
export function startTracing(target: SpanQueueOptions): Tracing & { spans: SpanSink };
export function startTracing(target: SpanQueueOptions | null): Tracing;
export function startTracing(target: SpanQueueOptions | null): Tracing {
  if (!target) return { spans: null, close: async () => {} };
  const spans = new SpanQueue({ ...schedule(), ...target });
  return { spans, close: () => spans.shutdown() };
}

/** The variable of OpenTelemetry's SDKs, in milliseconds. */
function schedule(): { delayMs?: number } {
  const delayMs = Number(process.env.OTEL_BSP_SCHEDULE_DELAY);
  return Number.isInteger(delayMs) && delayMs > 0 ? { delayMs } : {};
}
