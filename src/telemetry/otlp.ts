import type { AttributeValue, HrTime } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-node";
import { ProtoBytes } from "./proto_bytes.js";

/**
 * Spans of one service as `ExportTraceServiceRequest` (opentelemetry-proto, `trace.proto`), which is what both protocols carry.
 * Ours have neither events nor links. The serializer of the SDK goes over everything twice, at some
 * twice the cost.
 */
export function exportRequest(spans: readonly ReadableSpan[]): Uint8Array {
  const [first] = spans;
  const to = new ProtoBytes(spans.length * 1_024);
  if (!first) return to.taken();
  const resourceSpans = to.begin(1);
  const resource = to.begin(1);
  attributes(to, 1, first.resource.attributes);
  to.varint(2, 0);
  to.end(resource);
  const scopeSpans = to.begin(2);
  const scope = to.begin(1);
  to.text(1, first.instrumentationScope.name);
  if (first.instrumentationScope.version) to.text(2, first.instrumentationScope.version);
  to.end(scope);
  for (const span of spans) spanTo(to, span);
  to.end(scopeSpans);
  to.end(resourceSpans);
  return to.taken();
}

/** Whether a parent is known to be remote, and that it is (`SpanFlags`). */
const flags = { knowsRemote: 0x100, isRemote: 0x200 };

function spanTo(to: ProtoBytes, span: ReadableSpan): void {
  const { traceId, spanId, traceState, traceFlags } = span.spanContext();
  const { parentSpanContext: parent, status } = span;
  const begun = to.begin(2);
  to.hex(1, traceId);
  to.hex(2, spanId);
  const state = traceState?.serialize();
  if (state) to.text(3, state);
  if (parent?.spanId) to.hex(4, parent.spanId);
  to.text(5, span.name);
  // The API has no value for "unspecified", which is 0 here.
  to.varint(6, span.kind + 1);
  time(to, 7, span.startTime);
  time(to, 8, span.endTime);
  attributes(to, 9, span.attributes);
  to.varint(10, span.droppedAttributesCount);
  to.varint(12, span.droppedEventsCount);
  to.varint(14, span.droppedLinksCount);
  const statusAt = to.begin(15);
  if (status.message) to.text(2, status.message);
  to.varint(3, status.code);
  to.end(statusAt);
  to.fixed32(16, (traceFlags & 0xff) | flags.knowsRemote | (parent?.isRemote ? flags.isRemote : 0));
  to.end(begun);
}

function attributes(to: ProtoBytes, field: number, all: Readonly<Record<string, unknown>>): void {
  for (const name in all) {
    const value = all[name] as AttributeValue | null | undefined;
    if (value === undefined || value === null) continue;
    const begun = to.begin(field);
    to.text(1, name);
    const at = to.begin(2);
    valueTo(to, value);
    to.end(at);
    to.end(begun);
  }
}

/** `AnyValue`. */
function valueTo(to: ProtoBytes, value: unknown): void {
  if (typeof value === "string") to.text(1, value);
  else if (typeof value === "boolean") to.varint(2, value ? 1 : 0);
  else if (typeof value !== "number") throw new TypeError("not an attribute of ours");
  // None of ours is below zero.
  else if (Number.isSafeInteger(value) && value >= 0) to.varint(3, value);
  else to.double(4, value);
}

/** Seconds and nanoseconds as one number of 64 bits, which a number of JavaScript cannot hold. */
function time(to: ProtoBytes, field: number, [seconds, nanos]: HrTime): void {
  const upper = Math.floor(seconds / 65_536) * 1e9;
  const lower = (upper % 65_536) * 65_536 + (seconds % 65_536) * 1e9 + nanos;
  to.fixed64(field, lower % 2 ** 32, Math.floor(upper / 65_536) + Math.floor(lower / 2 ** 32));
}
