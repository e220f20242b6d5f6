import type { Context, Span, SpanOptions, Tracer } from "@opentelemetry/api";
import type { IdGenerator } from "@opentelemetry/sdk-trace-node";
import { randomHex } from "../random.js";

/** Set only while a span is being started, which nothing interrupts. */
let given: string | null = null;

/** A trace id (W3C Trace Context): 32 lower-case hexadecimal digits, not all zero. */
export function newTraceId(): string {
  return notZero(16);
}

/** Ids of spans for a provider whose root spans are started by `startSpanIn`. */
export const spanIds: IdGenerator = {
  generateTraceId: () => given ?? newTraceId(),
  generateSpanId: () => notZero(8),
};

/**
 * Starts a span in a trace whose id is known before there is any span: records and log lines need the id, and whether a span
 * is kept is only known at the end. A parent in `context` has the last word. The provider must have `spanIds`.
 */
export function startSpanIn(
  { tracer, traceId }: { tracer: Tracer; traceId: string },
  name: string,
  options: SpanOptions,
  context: Context,
): Span {
  given = traceId;
  try {
    return tracer.startSpan(name, options, context);
  } finally {
    given = null;
  }
}

function notZero(bytes: number): string {
  for (;;) {
    const id = randomHex(bytes);
    if (!/^0+$/.test(id)) return id;
  }
}
