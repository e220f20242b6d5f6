import { z } from "zod";
import { parseDuration } from "../duration.js";

/** A span of time in milliseconds since 1970: `fromMs` belongs to it, `toMs` does not. */
export interface Span {
  fromMs: number;
  toMs: number;
}

const rfc3339 = z.iso.datetime({ offset: true });

/** The moment that a text names: an RFC 3339 time, or a duration such as `7d` back from now. `null` for any other. */
export function momentOf(text: string, nowMs: number): number | null {
  const back = parseDuration(text);
  if (back !== null) return nowMs - back;
  return rfc3339.safeParse(text).success ? Date.parse(text) : null;
}

/** True when a record's timestamp is within the span. */
export function within({ fromMs, toMs }: Span, timestamp: string): boolean {
  const at = Date.parse(timestamp);
  return at >= fromMs && at < toMs;
}
