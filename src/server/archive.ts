import type { Logger } from "pino";
import { Archiver } from "../archive/archiver.js";
import { openBucketClient } from "../archive/client.js";
import { Spool } from "../archive/spool.js";
import type { Config } from "../config/schema.js";
import type { Runtime } from "../runtime.js";
import type { Metrics } from "../telemetry/metrics.js";
import type { Closing } from "./closing.js";

const dayMs = 86_400_000;

/** What the writer tells the archive in object storage, and what operators are told of it. */
export interface AuditArchive {
  /** A segment has ended. */
  segmentEnded(): void;
  /** The ends of all chains were stated: one line without its newline. */
  headsStated(line: string): void;
  /** `ok`, what is wrong, or `off` where none is configured. */
  state(): string;
  /** The server begins to stop: what is to be archived has until the end of the grace. */
  stopping(): void;
}

interface ArchiveParts {
  runtime: Runtime;
  log: Logger;
  metrics: Metrics;
  closing: Closing;
  /** Number of this process: it archives what its own writer leaves. */
  worker: number;
}

const none: AuditArchive = {
  segmentEnded: () => undefined,
  headsStated: () => undefined,
  state: () => "off",
  stopping: () => undefined,
};

/**
 * Opens the archive, as configured: before the writer, so that it is closed after it. Throws an `Error` for the operator when the
 * bucket does not keep what is put into it; a bucket that cannot be reached now does not hold up the start.
 */
export async function openArchive(
  { audit, shutdown_grace: graceMs }: Pick<Config, "audit" | "shutdown_grace">,
  { runtime, log, metrics, closing, worker }: ArchiveParts,
): Promise<AuditArchive> {
  if (audit.s3 === undefined) return none;
  const archiver = new Archiver({
    bucket: await openBucketClient(audit.s3),
    spool: new Spool(audit.dir, worker, audit.s3),
    retentionMs: audit.s3.retention_days * dayMs,
    runtime,
    log,
    metrics: metrics.archive(),
  });
  const nowMs = () => runtime.monotonicMicros() / 1000;
  let endMs: number | null = null;
  closing.add(() => archiver.close(Math.max(leastMs, (endMs ?? nowMs() + graceMs) - nowMs())));
  await archiver.start();
  return {
    segmentEnded: () => archiver.look(),
    headsStated: (line) => archiver.heads(line),
    state: () => archiver.trouble() ?? "ok",
    stopping: () => {
      endMs = nowMs() + graceMs;
    },
  };
}

/** Calls may have used up the grace: the archive has at least so long. */
const leastMs = 1_000;
