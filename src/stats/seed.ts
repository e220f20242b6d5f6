import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { maxLineBytes } from "../audit/fit.js";
import { faultOfDecision } from "../audit/form.js";
import { linesIn } from "../audit/lines.js";
import { findRecords } from "../audit/read.js";
import type { DecisionRecord } from "../audit/record.js";
import { countedOf } from "./counted.js";
import type { StatsWindow } from "./window.js";

const dayMs = 86_400_000;

/** Part of a file that is read: from a byte on, to before another. */
export interface SeedPart {
  path: string;
  from: number;
  to: number;
}

/** What of the records on disk is counted at start. */
export interface SeedPlan {
  /** Newest first. */
  parts: SeedPart[];
  /** True when there were more records of the day than may be read. */
  cut: boolean;
}

/** What came of it. */
export interface Seeded {
  decisions: number;
  /** Lines that are no whole record. */
  unreadable: number;
  /** From when on everything that was recorded here is counted, in milliseconds since the epoch; `null` = nothing was found. */
  sinceMs: number | null;
}

/**
 * The newest records below an audit directory, of 24 hours and at most `maxBytes`. As the files are now: what is appended
 * later does not belong to it. `isOurs`: by its path, whether this process counts a file. Rejects with the system's error when the directory cannot be read.
 */
export async function planSeed(
  dir: string,
  { now, maxBytes, isOurs = () => true }: { now: number; maxBytes: number; isOurs?: (path: string) => boolean },
): Promise<SeedPlan> {
  const found = (await findRecords([dir])).filter(({ path }) => isOurs(path));
  const files = await Promise.all(
    found.map(async ({ path, bytes }) => ({ path, bytes, changedMs: (await stat(path)).mtimeMs })),
  );
  const ofTheDay = files.filter(({ changedMs, bytes }) => changedMs > now - dayMs && bytes > 0);
  ofTheDay.sort((a, b) => b.changedMs - a.changedMs || (a.path < b.path ? 1 : -1));
  const parts: SeedPart[] = [];
  let left = maxBytes;
  for (const { path, bytes } of ofTheDay) {
    if (left <= 0) break;
    parts.push({ path, from: Math.max(0, bytes - left), to: bytes });
    left -= bytes;
  }
  return { parts, cut: left < 0 || parts.length < ofTheDay.length };
}

/** Counts what is planned. A line that cannot be read is passed over, and a file that cannot, too. */
export async function seed(plan: SeedPlan, window: StatsWindow, now: () => number): Promise<Seeded> {
  const seeded: Seeded = { decisions: 0, unreadable: 0, sinceMs: null };
  for (const part of plan.parts) {
    const oldest = await countPart(part, window, seeded);
    const [at, least] = [oldest ?? seeded.sinceMs, now() - dayMs];
    if (at !== null) seeded.sinceMs = Math.max(least, Math.min(at, seeded.sinceMs ?? at));
  }
  return seeded;
}

/** When the first record of the part was made. */
async function countPart({ path, from, to }: SeedPart, window: StatsWindow, seeded: Seeded): Promise<number | null> {
  let oldest: number | null = null;
  // The first line of a file that is read from its middle has no beginning.
  let whole = from === 0;
  try {
    for await (const { bytes, terminated, tooLong } of linesIn(
      createReadStream(path, { start: from, end: to - 1 }),
      maxLineBytes,
    )) {
      if (!whole) {
        whole = true;
        continue;
      }
      const read = terminated && !tooLong ? readRecord(bytes) : "unreadable";
      if (read === "unreadable") seeded.unreadable += 1;
      else if (read !== "other") {
        seeded.decisions += 1;
        const counted = countedOf(read);
        oldest = Math.min(oldest ?? counted.atMs, counted.atMs);
        window.count(counted);
      }
    }
  } catch {
    seeded.unreadable += 1;
  }
  return oldest;
}

/** A decision, or what else the line is. */
function readRecord(line: Uint8Array): DecisionRecord | "other" | "unreadable" {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString("utf8"));
  } catch {
    return "unreadable";
  }
  if (typeof value !== "object" || value === null || !("kind" in value)) return "unreadable";
  if (value.kind !== "decision") return "other";
  const { latency_us: latency, aggregated } = value as Partial<DecisionRecord>;
  const count = aggregated?.count ?? 1;
  const counts = Number.isSafeInteger(latency) && Number.isSafeInteger(count) && count >= 1;
  return counts && faultOfDecision(value) === null ? (value as DecisionRecord) : "unreadable";
}
