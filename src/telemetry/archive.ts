import { Counter, Gauge, type Registry } from "prom-client";

/** What operators watch of the archive in object storage. */
export interface ArchiveMetrics {
  up(isUp: boolean): void;
  /** The segments that wait. */
  waiting(segments: readonly { bytes: number; endedMs: number }[]): void;
  /** One try of an upload. `foreign`: something else lies under that key. */
  uploaded(result: "stored" | "failed" | "foreign"): void;
}

/** Only for a server with an archive: without one these numbers would look like one that is away. */
export function archiveMetrics(registers: Registry[], now: () => number = Date.now): ArchiveMetrics {
  let oldestMs: number | null = null;
  const up = new Gauge({
    name: "countersign_audit_archive_up",
    help: "1 while the bucket of the audit trail takes what it is given, 0 while it does not.",
    registers,
  });
  const segments = new Gauge({
    name: "countersign_audit_archive_waiting_segments",
    help: "Finished segments that are not in the bucket yet.",
    registers,
  });
  const bytes = new Gauge({
    name: "countersign_audit_archive_waiting_bytes",
    help: "Size of the finished segments that are not in the bucket yet.",
    registers,
  });
  new Gauge({
    name: "countersign_audit_archive_oldest_waiting_seconds",
    help: "How long the oldest of them has been finished; 0 when none waits.",
    registers,
    collect() {
      this.set(oldestMs === null ? 0 : Math.max(0, (now() - oldestMs) / 1000));
    },
  });
  const uploads = new Counter({
    name: "countersign_audit_archive_uploads_total",
    help: "Tries to put something into the bucket, by result.",
    labelNames: ["result"],
    registers,
  });
  return {
    up: (isUp) => up.set(isUp ? 1 : 0),
    waiting(all) {
      segments.set(all.length);
      bytes.set(all.reduce((sum, segment) => sum + segment.bytes, 0));
      oldestMs = all.length === 0 ? null : Math.min(...all.map(({ endedMs }) => endedMs));
    },
    uploaded: (result) => uploads.inc({ result }),
  };
}
