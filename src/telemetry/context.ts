import { type Context, ROOT_CONTEXT, type TextMapGetter } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { CheckRequest, HeaderValue, HttpRequest } from "../grpc/messages.js";

const propagator = new W3CTraceContextPropagator();

/** The W3C trace context that the call came in, in whichever form Envoy sent its headers; the root context for none. */
export function contextOf(check: CheckRequest): Context {
  return propagator.extract(ROOT_CONTEXT, check.attributes?.request?.http ?? null, headerGetter);
}

const headerGetter: TextMapGetter<HttpRequest | null> = {
  keys: () => ["traceparent", "tracestate"],
  get(http, name) {
    if (!http) return undefined;
    let raw: HeaderValue | undefined;
    for (const header of http.header_map?.headers ?? []) {
      // Few names are as long, and no other need be made lower case.
      if (header.key.length !== name.length || header.key.toLowerCase() !== name) continue;
      // Two parents are none; the joined form of two does not parse either.
      if (raw) return undefined;
      raw = header;
    }
    if (raw) return raw.raw_value.length > 0 ? raw.raw_value.toString("latin1") : raw.value;
    return Object.hasOwn(http.headers, name) ? http.headers[name] : undefined;
  },
};
