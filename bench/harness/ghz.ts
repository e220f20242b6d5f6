import { join } from "node:path";
import { z } from "zod";
import { repository } from "../../test/harness/programs.js";
import { runChild } from "./child.js";

/** What one run of a load generator found. Latencies in milliseconds. */
export interface LoadResult {
  calls: number;
  perSecond: number;
  p50: number;
  p99: number;
  p999: number;
  /** Calls without an answer, or with another status than 200 (HTTP) or OK (gRPC). */
  failed: number;
}

export interface GhzRun {
  ghz: string;
  /** `127.0.0.1:9191` */
  address: string;
  /** Length-delimited messages, one for each call. */
  dataFile: string;
  calls: number;
  /** Calls a second, offered whatever the answers do (open loop); without it 32 callers wait for each answer (closed loop). */
  offered?: number;
}

const proto = join(repository, "proto");
const report = z.object({
  count: z.number(),
  rps: z.number(),
  statusCodeDistribution: z.record(z.string(), z.number()),
  details: z.array(z.object({ latency: z.number(), status: z.string() })),
});

/** Loads a gRPC authorizer. Throws when ghz cannot. */
export async function runGhz({ ghz, address, dataFile, calls, offered }: GhzRun): Promise<LoadResult> {
  // Without --async a late answer would hold back the calls after it, and their wait would not be seen.
  const pace = offered === undefined ? ["-c", "32"] : ["-c", "32", "--rps", String(Math.round(offered)), "--async"];
  const text = await runChild(ghz, [
    ...["--insecure", "--proto", join(proto, "envoy/service/auth/v3/external_auth.proto"), "-i", proto],
    ...["--call", "envoy.service.auth.v3.Authorization.Check", "-B", dataFile, "--connections", "4"],
    ...["-n", String(calls), "-t", "10s", "-O", "json", ...pace, address],
  ]);
  return parseGhz(text);
}

/** Reads ghz's JSON report. The percentiles are taken from all calls, since its own list ends at 99. */
export function parseGhz(text: string): LoadResult {
  const { count, rps, details } = report.parse(JSON.parse(text));
  const answered = details.filter(({ status }) => status === "OK");
  const latencies = answered.map(({ latency }) => latency / 1e6).sort((a, b) => a - b);
  return {
    calls: count,
    perSecond: rps,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    p999: percentile(latencies, 0.999),
    failed: count - answered.length,
  };
}

/** The nearest-rank percentile of sorted values; NaN of none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
