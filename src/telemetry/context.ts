import { type Context, ROOT_CONTEXT, type TextMapGetter } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { CheckRequest, HttpRequest } from "../grpc/messages.js";

const propagator = new W3CTraceContextPropagator();

/** The W3C trace context that the call came in, in whichever form Envoy sent its headers; the root context for none. */
export function contextOf(check: CheckRequest): Context {
  return propagator.extract(ROOT_CONTEXT, check.attributes?.request?.http ?? null, headerGetter);
}

const headerGetter: TextMapGetter<HttpRequest | null> = {
  keys: () => ["traceparent", "tracestate"],
  get(http, name) {
    if (!http) return undefined;
    const [raw, ...others] = http.header_map?.headers.filter((header) => header.key.toLowerCase() === name) ?? [];
    // Two parents are none; the joined form of two does not parse either.
    if (others.length > 0) return undefined;
    if (raw) return raw.raw_value.length > 0 ? raw.raw_value.toString("latin1") : raw.value;
    return Object.hasOwn(http.headers, name) ? http.headers[name] : undefined;
  },
};
