import { type BigIntStats, statSync, writeSync } from "node:fs";
import { open, stat } from "node:fs/promises";

/** One open segment, written only at its end. */
export interface SegmentFile {
  /** Bytes that were written, which may be fewer than given. */
  append(bytes: Uint8Array): Promise<number>;
  /** `append` without waiting; `null` when that could hold up the process, and nothing was written. */
  appendNow(bytes: Uint8Array): number | null;
  /** Resolves when what was appended would survive a loss of power. */
  sync(): Promise<void>;
  /** Present length in bytes. */
  size(): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Throws unless the path still leads to this file; `ForeignChange` unless it has this length. */
  confirm(length: number): Promise<void>;
  /** `confirm` without waiting. */
  confirmNow(length: number): void;
  close(): Promise<void>;
}

/** Somebody else wrote to the file or cut it. What of it is ours is no longer known. */
export class ForeignChange extends Error {
  override readonly name = "ForeignChange";
}

/** Opens a segment, new or old. Rejects with the system's error. */
export type OpenSegment = (path: string) => Promise<SegmentFile>;

/**
 * Whether to write at once. What is written goes into the memory of the operating system: to hand that to another thread and to
 * hear from it takes six times the work. But a disk that cannot keep up makes whoever writes wait, which may not be the process.
 */
export class Patience {
  readonly #nowMs: () => number;
  #slowUntilMs = Number.NEGATIVE_INFINITY;

  /** Milliseconds of a clock that never goes back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Does it at once, or gives `null` for a second after one that took more than 10 milliseconds. Throws what it throws. */
  tried<T>(act: () => T): T | null {
    const startedMs = this.#nowMs();
    if (startedMs < this.#slowUntilMs) return null;
    try {
      return act();
    } finally {
      const endedMs = this.#nowMs();
      if (endedMs - startedMs > longestMs) this.#slowUntilMs = endedMs + restMs;
    }
  }
}

const longestMs = 10;
const restMs = 1_000;

/** One for all segments, which are on one disk. */
const patience = new Patience(() => performance.now());

/** The real one. A file that was moved, deleted or cut under an open handle takes writes gladly; `confirm` sees it. */
export const openSegment: OpenSegment = async (path) => {
  const handle = await open(path, "a", 0o640);
  const { ino, dev } = await handle.stat({ bigint: true });
  const check = (there: BigIntStats, length: number): void => {
    if (there.ino !== ino || there.dev !== dev) throw new Error(`${path} is not the file that was opened`);
    if (there.size !== BigInt(length)) throw new ForeignChange(`${path} was changed by somebody else`);
  };
  return {
    appendNow: (bytes) => patience.tried(() => writeSync(handle.fd, bytes)),
    append: async (bytes) => (await handle.write(bytes)).bytesWritten,
    sync: () => handle.sync(),
    size: async () => (await handle.stat()).size,
    truncate: (length) => handle.truncate(length),
    confirm: async (length) => check(await stat(path, { bigint: true }), length),
    confirmNow: (length) => check(statSync(path, { bigint: true }), length),
    close: () => handle.close(),
  };
};

/** Makes new names in a directory survive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
