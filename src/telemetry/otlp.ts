import { ProtoBytes } from "./proto_bytes.js";

/** A span that has ended. Times are microseconds since the epoch. */
export interface EndedSpan {
  name: string;
  kind: SpanKind;
  /** 32 and 16 lower-case hexadecimal digits. */
  traceId: string;
  spanId: string;
  parent: SpanParent | null;
  startUs: number;
  endUs: number;
  /** What is `undefined` is left out. */
  attributes: Readonly<Record<string, AttributeValue | undefined>>;
  /** What failed inside; `null` when nothing did. */
  error: string | null;
}

/** Where spans go. What it is given it does not keep as an object: many of them, alive for seconds, are dear to collect. */
export interface SpanSink {
  add(span: EndedSpan): void;
}

/** `SpanKind` of opentelemetry-proto, as far as spans are ours. */
export const spanKinds = { internal: 1, server: 2 } as const;
export type SpanKind = (typeof spanKinds)[keyof typeof spanKinds];

export type AttributeValue = string | number | boolean;

export interface SpanParent {
  spanId: string;
  isRemote: boolean;
  /** `tracestate` of the trace, as it is sent on; empty for none. */
  traceState: string;
}

/**
 * Spans of one service as `ExportTraceServiceRequest` (opentelemetry-proto, `trace.proto`), which is what both protocols carry.
 * `spans` is what `writeSpan` has written.
 */
export function exportRequest(of: SpanSource, spans: Uint8Array): Uint8Array {
  const scopeSpans = headOf(2, of.scope.length + spans.length);
  const inner = of.resource.length + scopeSpans.length + of.scope.length + spans.length;
  return Buffer.concat([headOf(1, inner), of.resource, scopeSpans, of.scope, spans]);
}

/** Who made spans, encoded: the resource, and the scope of instrumentation. */
export interface SpanSource {
  resource: Uint8Array;
  scope: Uint8Array;
}

export function spanSource(service: string, version: string): SpanSource {
  const resource = new ProtoBytes(0);
  const resourceAt = resource.begin(1);
  attribute(resource, 1, "service.name", service);
  attribute(resource, 1, "service.version", version);
  resource.varint(2, 0);
  resource.end(resourceAt);
  const scope = new ProtoBytes(0);
  const scopeAt = scope.begin(1);
  scope.text(1, service);
  scope.text(2, version);
  scope.end(scopeAt);
  return { resource: resource.taken(), scope: scope.taken() };
}

/** Whether a parent is known to be remote, and that it is (`SpanFlags`). */
const flags = { sampled: 0x1, knowsRemote: 0x100, isRemote: 0x200 };
/** `STATUS_CODE_ERROR`. */
const failed = 2;

/** One of the spans of a request. The SDK's serializer writes the same, from objects that have to be kept for it until then. */
export function writeSpan(to: ProtoBytes, span: EndedSpan): void {
  const { parent, error } = span;
  const begun = to.begin(2);
  to.hex(1, span.traceId);
  to.hex(2, span.spanId);
  if (parent !== null) {
    if (parent.traceState !== "") to.text(3, parent.traceState);
    to.hex(4, parent.spanId);
  }
  to.text(5, span.name);
  to.varint(6, span.kind);
  time(to, 7, span.startUs);
  time(to, 8, span.endUs);
  const all = span.attributes;
  for (const name in all) {
    const value = all[name];
    if (value !== undefined) attribute(to, 9, name, value);
  }
  // Dropped attributes, events and links: there are none, and the SDK says so.
  to.varint(10, 0);
  to.varint(12, 0);
  to.varint(14, 0);
  const statusAt = to.begin(15);
  if (error !== null && error !== "") to.text(2, error);
  to.varint(3, error === null ? 0 : failed);
  to.end(statusAt);
  to.fixed32(16, flags.sampled | flags.knowsRemote | (parent?.isRemote ? flags.isRemote : 0));
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

function attribute(to: ProtoBytes, field: number, name: string, value: AttributeValue): void {
  const begun = to.begin(field);
  to.members(nameOf(name));
  const at = to.begin(2);
  if (typeof value === "string") to.text(1, value);
  else if (typeof value === "boolean") to.varint(2, value ? 1 : 0);
  // None of ours is below zero.
  else if (Number.isSafeInteger(value) && value >= 0) to.varint(3, value);
  else to.double(4, value);
  to.end(at);
  to.end(begun);
}

/** As nanoseconds in 64 bits, which a number of JavaScript cannot hold. */
function time(to: ProtoBytes, field: number, micros: number): void {
  const low = (micros % 2 ** 32) * 1_000;
  to.fixed64(field, low % 2 ** 32, Math.floor(micros / 2 ** 32) * 1_000 + Math.floor(low / 2 ** 32));
}

/** What stands before a message of so many bytes in a field. */
function headOf(field: number, length: number): Uint8Array {
  const to = new ProtoBytes(0);
  to.head(field, length);
  return to.taken();
}
