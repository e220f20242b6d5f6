import { type OpenSegment, openSegment } from "../../src/audit/segment_file.js";

type Operation = "open" | "append" | "sync" | "truncate" | "confirm";

/**
 * The real segment file, which fails where a test says so: the next times an operation is asked for, with an error
 * code, after `bytes` bytes of an append went through.
 */
export class FaultyDisk {
  readonly #faults: { operation: Operation; code: string; bytes: number }[] = [];
  /** Bytes that each append may take at most. */
  sliceBytes = Number.POSITIVE_INFINITY;
  readonly appends: number[] = [];
  syncs = 0;
  /** Nothing may be written at once. */
  slow = false;

  fail(operation: Operation, code: string, more: { times?: number; bytes?: number } = {}): void {
    for (let i = 0; i < (more.times ?? 1); i++) this.#faults.push({ operation, code, bytes: more.bytes ?? 0 });
  }

  heal(): void {
    this.#faults.length = 0;
  }

  get open(): OpenSegment {
    return async (path) => {
      this.#check("open");
      const file = await openSegment(path);
      return {
        ...file,
        append: async (bytes) => {
          const fault = this.#next("append");
          if (fault && fault.bytes > 0) await file.append(bytes.subarray(0, fault.bytes));
          if (fault) throw failure(fault.code);
          this.appends.push(bytes.length);
          return file.append(bytes.subarray(0, Math.min(bytes.length, this.sliceBytes)));
        },
        appendNow: (bytes) => {
          if (this.slow) return null;
          const fault = this.#next("append");
          if (fault && fault.bytes > 0) file.appendNow(bytes.subarray(0, fault.bytes));
          if (fault) throw failure(fault.code);
          const taken = file.appendNow(bytes.subarray(0, Math.min(bytes.length, this.sliceBytes)));
          // A busy machine may have it written by `append`.
          if (taken !== null) this.appends.push(bytes.length);
          return taken;
        },
        confirmNow: (length) => {
          this.#check("confirm");
          file.confirmNow(length);
        },
        sync: async () => {
          this.#check("sync");
          this.syncs++;
          await file.sync();
        },
        truncate: async (length) => {
          this.#check("truncate");
          await file.truncate(length);
        },
        confirm: async (length) => {
          this.#check("confirm");
          await file.confirm(length);
        },
      };
    };
  }

  #check(operation: Operation): void {
    const fault = this.#next(operation);
    if (fault) throw failure(fault.code);
  }

  #next(operation: Operation): { code: string; bytes: number } | null {
    const at = this.#faults.findIndex((fault) => fault.operation === operation);
    return at < 0 ? null : (this.#faults.splice(at, 1)[0] ?? null);
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: made to fail`), { code });
}
