import { z } from "zod";
import { canonicalJson, sha256Hex } from "../canonical.js";
import type { Filter } from "./filter.js";
import { BadPosition, type Positions } from "./search.js";

/** Where a search goes on. */
export interface Cursor {
  positions: Positions;
  /** The span of the first page: one that was asked for as `7d` does not move on while somebody pages. */
  fromMs: number | undefined;
  toMs: number | undefined;
}

const ms = z.int().nullable();
const form = z.strictObject({
  q: z.string(),
  from: ms,
  to: ms,
  at: z.record(z.string().max(255), z.tuple([z.string().max(255), z.int().min(-1)])),
});

/** Longest cursor in characters; one names every writer of a directory. */
export const longestCursor = 12_000;

/**
 * A cursor as text. It holds nothing that the asker may not know and proves nothing: whatever it says is compared with
 * the files.
 */
export function writeCursor(filter: Filter, { positions, fromMs, toMs }: Cursor): string {
  const at = Object.entries(positions).map(([writer, { segment, offset }]) => [writer, [segment, offset]]);
  const value = { q: keyOf(filter), from: fromMs ?? null, to: toMs ?? null, at: Object.fromEntries(at) };
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Reads a cursor of a search with the same filter. Throws `BadPosition` for any other text. */
export function readCursor(filter: Filter, text: string): Cursor {
  const read = form.safeParse(parsed(text));
  if (!read.success) throw new BadPosition("it is none that was given out");
  const { q, from, to, at } = read.data;
  if (q !== keyOf(filter)) throw new BadPosition("it belongs to a search with other filters");
  const positions = Object.entries(at).map(([writer, [segment, offset]]) => [writer, { segment, offset }]);
  const cursor = { positions: Object.fromEntries(positions), fromMs: from ?? undefined, toMs: to ?? undefined };
  // Also a name that the reading passed over, such as `__proto__`, or one that stands there twice.
  if (writeCursor(filter, cursor) !== text) throw new BadPosition("it is none that was given out");
  return cursor;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return null;
  }
}

/** Which search it is; the span is told by the cursor itself. */
function keyOf({ fromMs: _, toMs: __, ...filter }: Filter): string {
  return sha256Hex(canonicalJson(filter)).slice(0, 16);
}
