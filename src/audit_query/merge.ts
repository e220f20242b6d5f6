import type { Chain } from "./chains.js";
import { BadPosition, type Found, type Position, Walk, type WalkOptions } from "./walk.js";

/** How far each chain was read, by its writer. A writer that is not in it was read to its end, or came later. */
export type Positions = Readonly<Record<string, Position>>;

interface Head {
  walk: Walk;
  writer: string;
  /** `undefined` = not looked for since the last was taken. */
  head: Found | null | "paused" | undefined;
}

/**
 * Several chains as one, newest record first: within a chain in its order, between chains by timestamp. Ends when all
 * chains do; `paused` says that the budget ended it before.
 */
export class Merge {
  paused = false;
  readonly #heads: Head[];

  /** Throws `BadPosition` for positions that are none of these chains. */
  constructor(chains: readonly Chain[], from: Positions | null, options: WalkOptions) {
    const missing = Object.keys(from ?? {}).find((writer) => !chains.some((chain) => chain.writer === writer));
    if (missing !== undefined) throw new BadPosition("the records that it leads to are no longer there");
    this.#heads = chains.flatMap((chain): Head[] => {
      const at = from === null ? null : Object.hasOwn(from, chain.writer) ? from[chain.writer] : undefined;
      if (at === undefined) return [];
      return [{ walk: new Walk(chain, at, options), writer: chain.writer, head: undefined }];
    });
  }

  /** The newest record that was not taken yet; `null` at the end, and when the budget is used up. */
  async peek(): Promise<Found | null> {
    for (const one of this.#heads) {
      if (one.head === undefined) one.head = await one.walk.next();
      if (one.head === "paused") this.paused = true;
    }
    if (this.paused) return null;
    return this.#newest()?.head ?? null;
  }

  /** Takes the record that `peek` showed. */
  take(): void {
    const newest = this.#newest();
    if (newest) newest.entry.head = undefined;
  }

  /** Where another merge would go on; `null` when there is nothing left. */
  positions(): Positions | null {
    const left = this.#heads.flatMap(({ walk, writer, head }): [string, Position][] => {
      if (head !== null && head !== undefined && head !== "paused") {
        return [[writer, { segment: head.segment.name, offset: head.start + head.line.length + 1 }]];
      }
      const at = walk.position();
      return at ? [[writer, at]] : [];
    });
    return left.length === 0 ? null : Object.fromEntries(left);
  }

  async close(): Promise<void> {
    for (const { walk } of this.#heads) await walk.close();
  }

  #newest(): { entry: Head; head: Found } | null {
    let best: { entry: Head; head: Found; atMs: number } | null = null;
    for (const entry of this.#heads) {
      const { head } = entry;
      if (head === null || head === undefined || head === "paused") continue;
      const atMs = Date.parse(head.record.timestamp);
      if (best === null || atMs > best.atMs) best = { entry, head, atMs };
    }
    return best;
  }
}
