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
  /** `127.0.0.1:9191`; several for a server of several workers, each of which gets an equal part. */
  addresses: readonly string[];
  /** Length-delimited messages, one for each call; one file for each address. */
  dataFiles: readonly string[];
  /** Calls of each address. */
  calls: number;
  /** Calls a second in all, offered whatever the answers do (open loop); without it 32 callers wait for each answer (closed loop). */
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
export async function runGhz({ ghz, addresses, dataFiles, calls, offered }: GhzRun): Promise<LoadResult> {
  const part = (whole: number): string => String(Math.max(1, Math.round(whole / addresses.length)));
  // Without --async a late answer would hold back the calls after it, and their wait would not be seen.
  const pace = ["-c", part(32), ...(offered === undefined ? [] : ["--rps", part(offered), "--async"])];
  const texts = addresses.map((address, i) =>
    runChild(ghz, [
      ...["--insecure", "--proto", join(proto, "envoy/service/auth/v3/external_auth.proto"), "-i", proto],
      ...["--call", "envoy.service.auth.v3.Authorization.Check", "-B", dataFiles[i] ?? "", "--connections", part(4)],
      ...["-n", String(calls), "-t", "10s", "-O", "json", ...pace, address],
    ]),
  );
  return parseGhz(await Promise.all(texts));
}

/** Reads ghz's JSON reports of one run. The percentiles are taken from all calls, since its own list ends at 99. */
export function parseGhz(texts: readonly string[]): LoadResult {
  const reports = texts.map((text) => report.parse(JSON.parse(text)));
  const answered = reports.flatMap(({ details }) => details.filter(({ status }) => status === "OK"));
  const latencies = answered.map(({ latency }) => latency / 1e6).sort((a, b) => a - b);
  const sum = (of: (one: (typeof reports)[number]) => number): number => reports.reduce((all, one) => all + of(one), 0);
  const calls = sum(({ count }) => count);
  return {
    calls,
    perSecond: sum(({ rps }) => rps),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    p999: percentile(latencies, 0.999),
    failed: calls - answered.length,
  };
}

/** The nearest-rank percentile of sorted values; NaN of none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
