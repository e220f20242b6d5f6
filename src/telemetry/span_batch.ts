import type { ExportResult } from "@opentelemetry/core";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-node";
import { exportRequest, type SpanSource, sourceOf, spanTo } from "./otlp.js";
import { ProtoBytes } from "./proto_bytes.js";

/** Spans that go together. */
export const maxBatch = 512;

/** What the first spans of a batch need, in bytes; it grows with them. */
const firstBytes = 32_768;

/**
 * Up to `maxBatch` spans that wait to be sent together, as the bytes that are sent: as objects they would outlive the young
 * generation, and be copied twice before the collector's answer makes garbage of them.
 */
export class SpanBatch {
  readonly #bytes = new ProtoBytes(firstBytes);
  #count = 0;
  /** Of the first span, and so of all: they are of one tracer. */
  #source: SpanSource | null = null;

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= maxBatch;
  }

  /** Keeps nothing of the span but its bytes. Throws for one that cannot be written, and is what it was before. */
  add(span: ReadableSpan): void {
    const source = this.#source ?? sourceOf(span);
    const before = this.#bytes.length;
    try {
      spanTo(this.#bytes, span);
    } catch (error) {
      this.#bytes.backTo(before);
      throw error;
    }
    this.#source = source;
    this.#count++;
  }

  /** The request that carries the spans, in memory of its own. */
  request(): Uint8Array {
    return this.#source === null ? new Uint8Array(0) : exportRequest(this.#source, this.#bytes.taken());
  }

  /** Empties it, for other spans. */
  clear(): void {
    this.#bytes.backTo(0);
    this.#count = 0;
    this.#source = null;
  }
}

/** Sends batches. It copies what it takes: the same batch is given again, or emptied and filled with other spans. */
export interface SpanExporter {
  export(batch: SpanBatch, done: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
}
