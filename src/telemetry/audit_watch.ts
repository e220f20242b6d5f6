import type { AuditSink } from "../audit/record.js";
import type { Runtime } from "../runtime.js";
import type { Metrics } from "./metrics.js";

/** The sink, with every append measured, whether it succeeds or not. */
export function measuredAudit(
  sink: AuditSink,
  metrics: Pick<Metrics, "auditAppended" | "auditWaiting">,
  { monotonicMicros }: Pick<Runtime, "monotonicMicros">,
): AuditSink {
  let waiting = 0;
  const changed = (by: 1 | -1): void => {
    waiting += by;
    metrics.auditWaiting(waiting);
  };
  return {
    async append(draft) {
      const startUs = monotonicMicros();
      changed(1);
      try {
        await sink.append(draft);
      } finally {
        changed(-1);
        metrics.auditAppended((monotonicMicros() - startUs) / 1e6);
      }
    },
    trouble: () => sink.trouble(),
    close: () => sink.close(),
  };
}
