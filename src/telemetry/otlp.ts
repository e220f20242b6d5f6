import type { HrTime } from "@opentelemetry/api";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-node";
import { ProtoBytes } from "./proto_bytes.js";

/**
 * Spans of one service as `ExportTraceServiceRequest` (opentelemetry-proto, `trace.proto`), which is what both protocols carry.
 * `spans` is what `spanTo` has written.
 */
export function exportRequest({ resource, scope }: SpanSource, spans: Uint8Array): Uint8Array {
  const scopeSpans = headOf(2, scope.length + spans.length);
  const inner = resource.length + scopeSpans.length + scope.length + spans.length;
  return Buffer.concat([headOf(1, inner), resource, scopeSpans, scope, spans]);
}

/** Who made spans, encoded: the resource, and the scope of instrumentation. */
export interface SpanSource {
  resource: Uint8Array;
  scope: Uint8Array;
}

/** By the scope, which is an object of the tracer's own: a tracer has one provider, and that one resource. */
const sources = new WeakMap<ReadableSpan["instrumentationScope"], SpanSource>();

/** Encoded once for each tracer. */
export function sourceOf({ resource, instrumentationScope }: ReadableSpan): SpanSource {
  let source = sources.get(instrumentationScope);
  if (source === undefined) {
    source = { resource: resourceBytes(resource), scope: scopeBytes(instrumentationScope) };
    sources.set(instrumentationScope, source);
  }
  return source;
}

function resourceBytes(resource: ReadableSpan["resource"]): Uint8Array {
  const to = new ProtoBytes(0);
  const begun = to.begin(1);
  attributes(to, 1, resource.attributes);
  to.varint(2, 0);
  to.end(begun);
  return to.taken();
}

function scopeBytes({ name, version }: ReadableSpan["instrumentationScope"]): Uint8Array {
  const to = new ProtoBytes(0);
  const begun = to.begin(1);
  to.text(1, name);
  if (version) to.text(2, version);
  to.end(begun);
  return to.taken();
}

/** Whether a parent is known to be remote, and that it is (`SpanFlags`). */
const flags = { knowsRemote: 0x100, isRemote: 0x200 };

/**
 * One of the spans of a request. Ours have neither events nor links. The serializer of the SDK goes over everything twice, at
 * some twice the cost, and needs spans as objects. Throws for what no span of ours has, with a part of it written.
 */
export function spanTo(to: ProtoBytes, span: ReadableSpan): void {
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

/** Names of attributes as members of theirs. They are a closed set of ours; the bound is for what is not. */
const written = new Map<string, Uint8Array>();
const mostNames = 100;

function nameOf(name: string): Uint8Array {
  let bytes = written.get(name);
  if (bytes === undefined) {
    const to = new ProtoBytes(0);
    to.text(1, name);
    // In memory of its own: it is kept.
    bytes = Uint8Array.from(to.taken());
    if (written.size < mostNames) written.set(name, bytes);
  }
  return bytes;
}

function attributes(to: ProtoBytes, field: number, all: Readonly<Record<string, unknown>>): void {
  for (const name in all) {
    const value = all[name];
    if (value === undefined || value === null) continue;
    const begun = to.begin(field);
    to.members(nameOf(name));
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

/** What stands before a message of so many bytes in a field. */
function headOf(field: number, length: number): Uint8Array {
  const to = new ProtoBytes(0);
  to.head(field, length);
  return to.taken();
}
