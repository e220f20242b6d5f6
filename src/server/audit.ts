import type { Logger } from "pino";
import type { AuditSink } from "../audit/record.js";
import { aggregateRefusals } from "../audit/refusals.js";
import { openWriter } from "../audit/writer.js";
import type { Config } from "../config/schema.js";
import type { Runtime } from "../runtime.js";
import type { AuditArchive } from "./archive.js";
import type { Closing } from "./closing.js";
import type { ServerKeys } from "./keys.js";

/** Opens the audit trail, as configured. Throws an `Error` for the operator when it cannot be written. */
export async function openAudit(
  { audit }: Pick<Config, "audit">,
  {
    keys,
    runtime,
    log,
    closing,
    archive,
    worker,
  }: { keys: ServerKeys; runtime: Runtime; log: Logger; closing: Closing; archive: AuditArchive; worker: number },
): Promise<AuditSink> {
  const onWarning = (message: string): void => log.warn(message);
  const writer = await openWriter({
    dir: audit.dir,
    worker,
    key: keys.audit,
    acceptedKeys: keys.auditAccepted,
    durability: audit.durability,
    maxSegmentBytes: audit.segment.max_bytes,
    maxSegmentAgeMs: audit.segment.max_age,
    headsEveryMs: audit.heads_every,
    now: runtime.now,
    onFinished: archive.segmentEnded,
    onHeads: archive.headsStated,
    onWarning,
  });
  const { whole, within: withinMs } = audit.refusals;
  // What looks at every decision comes after this, since it keeps decisions back to count them.
  const sink = aggregateRefusals(writer, { whole, withinMs, runtime, onWarning });
  closing.add(() => sink.close());
  return sink;
}
