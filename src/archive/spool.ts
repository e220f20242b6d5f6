import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { headsSuffix } from "../audit/heads.js";
import { finishedSegments, writersOf } from "../audit/segments.js";
import type { BucketPlace } from "./client.js";
import { hasReceipt } from "./receipt.js";

/** A segment that is not in the archive yet. */
export interface WaitingSegment {
  path: string;
  /** Length in bytes. */
  bytes: number;
  /** When it was written to last, which is about when it ended: milliseconds since 1970. */
  endedMs: number;
}

/** What one worker's writer leaves on disk for the archive: nothing that waits is lost with the process. */
export class Spool {
  readonly #dir: string;
  readonly #worker: number;
  readonly #place: BucketPlace;
  /** Paths of segments that are in the archive, so that each receipt is read once. */
  readonly #kept = new Set<string>();

  constructor(dir: string, worker: number, place: BucketPlace) {
    this.#dir = dir;
    this.#worker = worker;
    this.#place = place;
  }

  /** Segments that wait, oldest first. */
  async waiting(): Promise<WaitingSegment[]> {
    const writer = await this.#writer();
    if (writer === null) return [];
    const found: WaitingSegment[] = [];
    for (const path of await finishedSegments(join(this.#dir, writer))) {
      if (this.#kept.has(path)) continue;
      if (await hasReceipt(path, this.#place)) this.#kept.add(path);
      else {
        const { size: bytes, mtimeMs: endedMs } = await stat(path);
        found.push({ path, bytes, endedMs });
      }
    }
    return found;
  }

  /** The newest statement of heads, without its newline; `null` when there is none. */
  async heads(): Promise<string | null> {
    const writer = await this.#writer();
    if (writer === null) return null;
    const text = await readFile(join(this.#dir, `${writer}${headsSuffix}`), "utf8").catch(missing);
    return text === null ? null : text.replace(/\n$/, "");
  }

  /** `null` before the writer was opened for the first time. */
  async #writer(): Promise<string | null> {
    return (await writersOf(this.#dir, this.#worker).catch(missing))?.[0] ?? null;
  }
}

function missing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
