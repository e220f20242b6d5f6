import type { AuditSink, DecisionRecord } from "../audit/record.js";
import type { Runtime } from "../runtime.js";
import type { Metrics } from "./metrics.js";

/** A sink that others hear of decisions from. */
export interface WatchedAudit extends AuditSink {
  /** Told of each decision once it is recorded, in the order in which they asked. What one of them throws fails the append. */
  onDecision(told: (record: DecisionRecord) => void): void;
}

/** The sink, with every append measured, whether it succeeds or not. */
export function watchedAudit(
  sink: AuditSink,
  metrics: Pick<Metrics, "auditAppended" | "auditWaiting">,
  { monotonicMicros }: Pick<Runtime, "monotonicMicros">,
): WatchedAudit {
  const listeners: ((record: DecisionRecord) => void)[] = [];
  let waiting = 0;
  const ended = (startUs: number): void => {
    metrics.auditWaiting(--waiting);
    metrics.auditAppended((monotonicMicros() - startUs) / 1e6);
  };
  return {
    // One promise for all who look at a record, where a sink around a sink for each of them makes one each.
    append(draft) {
      const startUs = monotonicMicros();
      metrics.auditWaiting(++waiting);
      return sink.append(draft).then(
        () => {
          ended(startUs);
          if (draft.kind === "decision") for (const told of listeners) told(draft);
        },
        (error) => {
          ended(startUs);
          throw error;
        },
      );
    },
    onDecision: (told) => void listeners.push(told),
    trouble: () => sink.trouble(),
    close: () => sink.close(),
  };
}
