import { z } from "zod";
import { runChild } from "./child.js";
import type { LoadResult } from "./ghz.js";

export interface FortioRun {
  fortio: string;
  url: string;
  /** `name: value` lines beside those of the payload. */
  headers: readonly string[];
  payload: string;
  calls: number;
  connections: number;
}

const report = z.object({
  ActualQPS: z.number(),
  DurationHistogram: z.object({
    Count: z.number(),
    Percentiles: z.array(z.object({ Percentile: z.number(), Value: z.number() })),
  }),
  RetCodes: z.record(z.string(), z.number()),
});

/** Loads an HTTP server in closed loop: every connection waits for its answer. Throws when fortio cannot. */
export async function runFortio(run: FortioRun): Promise<LoadResult> {
  const { fortio, url, headers, payload, calls, connections } = run;
  const text = await runChild(fortio, [
    ...["load", "-quiet", "-qps", "0", "-n", String(calls), "-c", String(connections), "-p", "50,99,99.9"],
    // Buckets of 50 us: with the default of a millisecond fast answers would all be alike.
    ...["-r", "0.00005", "-timeout", "10s", "-json", "-", "-content-type", "application/json", "-payload", payload],
    ...[...headers.flatMap((header) => ["-H", header]), url],
  ]);
  return parseFortio(text);
}

/** Reads fortio's JSON report. */
export function parseFortio(text: string): LoadResult {
  const { ActualQPS, DurationHistogram, RetCodes } = report.parse(JSON.parse(text));
  const { Count, Percentiles } = DurationHistogram;
  const at = (wanted: number) =>
    (Percentiles.find(({ Percentile }) => Percentile === wanted)?.Value ?? Number.NaN) * 1000;
  const failed = Count - (RetCodes["200"] ?? 0);
  return { calls: Count, perSecond: ActualQPS, p50: at(50), p99: at(99), p999: at(99.9), failed };
}
