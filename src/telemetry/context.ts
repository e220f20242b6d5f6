import { type Context, ROOT_CONTEXT, type TextMapGetter } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { Header } from "../call.js";
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
    const { header_map: map } = http;
    if (map === null) return joinedValue(http.headers, name);
    let found: string | undefined;
    for (const line of map.lines ?? map.headers) {
      const key = "key" in line ? line.key : line.name;
      // Few names are as long, and no other need be made lower case.
      if (key.length !== name.length || key.toLowerCase() !== name) continue;
      // Two parents are none; the joined form of two does not parse either.
      if (found !== undefined) return undefined;
      found = "key" in line ? rawValue(line) : line.value;
    }
    return found ?? joinedValue(http.headers, name);
  },
};

function rawValue({ raw_value: raw, value }: HeaderValue): string {
  return raw.length > 0 ? raw.toString("latin1") : value;
}

function joinedValue(headers: HttpRequest["headers"], name: string): string | undefined {
  if (!isList(headers)) return Object.hasOwn(headers, name) ? headers[name] : undefined;
  for (const header of headers) if (header.name === name) return header.value;
  return undefined;
}

function isList(headers: HttpRequest["headers"]): headers is readonly Header[] {
  return Array.isArray(headers);
}
