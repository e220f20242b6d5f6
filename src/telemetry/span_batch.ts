import type { ExportResult } from "@opentelemetry/core";
import { type EndedSpan, writeSpan } from "./otlp.js";
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

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= maxBatch;
  }

  add(span: EndedSpan): void {
    writeSpan(this.#bytes, span);
    this.#count++;
  }

  /** The spans as members of a request, in memory that the batch goes on to use. */
  encoded(): Uint8Array {
    return this.#bytes.taken();
  }

  /** Empties it, for other spans. */
  clear(): void {
    this.#bytes.clear();
    this.#count = 0;
  }
}

/** Sends batches. It copies what it takes: the same batch is given again, or emptied and filled with other spans. */
export interface SpanExporter {
  export(batch: SpanBatch, done: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
}
