import { open, stat } from "node:fs/promises";

/** One open segment, written only at its end. */
export interface SegmentFile {
  /** Bytes that were written, which may be fewer than given. */
  append(bytes: Uint8Array): Promise<number>;
  /** Resolves when what was appended would survive a loss of power. */
  sync(): Promise<void>;
  /** Present length in bytes. */
  size(): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Throws unless the path still leads to this file; `ForeignChange` unless it has this length. */
  confirm(length: number): Promise<void>;
  close(): Promise<void>;
}

/** Somebody else wrote to the file or cut it. What of it is ours is no longer known. */
export class ForeignChange extends Error {
  override readonly name = "ForeignChange";
}

/** Opens a segment, new or old. Rejects with the system's error. */
export type OpenSegment = (path: string) => Promise<SegmentFile>;

/** The real one. A file that was moved, deleted or cut under an open handle takes writes gladly; `confirm` sees it. */
export const openSegment: OpenSegment = async (path) => {
  const handle = await open(path, "a", 0o640);
  const { ino, dev } = await handle.stat({ bigint: true });
  return {
    append: async (bytes) => (await handle.write(bytes)).bytesWritten,
    sync: () => handle.sync(),
    size: async () => (await handle.stat()).size,
    truncate: (length) => handle.truncate(length),
    confirm: async (length) => {
      const there = await stat(path, { bigint: true });
      if (there.ino !== ino || there.dev !== dev) throw new Error(`${path} is not the file that was opened`);
      if (there.size !== BigInt(length)) throw new ForeignChange(`${path} was changed by somebody else`);
    },
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
