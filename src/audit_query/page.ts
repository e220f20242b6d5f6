import { chainsIn } from "./chains.js";
import { readCursor, writeCursor } from "./cursor.js";
import type { Filter } from "./filter.js";
import { type Found, Search, type SearchOptions, type UnreadableLine, wantedBy } from "./search.js";

/** Records to a page. */
export const pageLimits = { least: 1, most: 500, usual: 50 } as const;

export interface PageOptions extends Omit<SearchOptions, "positions"> {
  limit: number;
  /** `next` of the page before; `null` for the first. */
  cursor: string | null;
  /** All lines together, in bytes; the first may be longer. Default 4 MiB. */
  pageBytes?: number;
}

/** Some of the records that a search finds, newest first. */
export interface Page {
  found: Found[];
  /** Leads to the next page; `null` when there is none. A page may be short or empty and have a next one all the same. */
  next: string | null;
  unreadable: UnreadableLine[];
}

/** How much one page reads of the files, in bytes. */
const usualScanBytes = 64 * 1024 * 1024;
const usualPageBytes = 4 * 1024 * 1024;

/**
 * One page of the records below these paths. Records that come meanwhile do not move those of the next pages. Throws
 * `BadPosition` for a cursor that leads nowhere.
 */
export async function readPage(paths: readonly string[], filter: Filter, options: PageOptions): Promise<Page> {
  const { limit, cursor, pageBytes = usualPageBytes, scanBytes = usualScanBytes } = options;
  const from = cursor === null ? null : readCursor(filter, cursor);
  const { fromMs, toMs } = from ?? filter;
  const span = { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) };
  const { fromMs: _, toMs: __, ...plain } = filter;
  const chains = await chainsIn(paths);
  const positions = from?.positions ?? null;
  const search = new Search(chains, wantedBy({ ...plain, ...span }), { ...options, scanBytes, positions });
  try {
    const found: Found[] = [];
    let bytes = 0;
    let head = await search.peek();
    while (head && found.length < limit && (found.length === 0 || bytes + head.line.length <= pageBytes)) {
      search.take();
      found.push(head);
      bytes += head.line.length;
      // Looking for one more than fits would read as far as the next match, which may be a long way.
      if (found.length === limit) break;
      head = await search.peek();
    }
    const left = search.positions();
    const next = left && writeCursor(filter, { positions: left, fromMs, toMs });
    return { found, next, unreadable: await search.unreadable() };
  } finally {
    await search.close();
  }
}
