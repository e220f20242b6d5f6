import type { Logger } from "pino";
import type { AuditSink } from "../audit/record.js";
import type { AccessLogReader } from "../grpc/access_log.js";
import { passedDecisions } from "../outcomes/passed.js";
import { outcomeRecorder } from "../outcomes/recorder.js";
import type { Runtime } from "../runtime.js";
import type { Metrics } from "../telemetry/metrics.js";
import { decisionsOfOthers } from "../workers/outcomes.js";
import type { Peers } from "../workers/peers.js";
import type { Closing } from "./closing.js";

interface OutcomeParts {
  runtime: Pick<Runtime, "now">;
  metrics: Pick<Metrics, "outcome">;
  log: Pick<Logger, "error">;
  closing: Closing;
  peers: Peers;
}

/** The sink for everybody, which remembers what was let through, and who reads Envoy's access log. */
export function serverOutcomes(
  written: AuditSink,
  { runtime, metrics, log, closing, peers }: OutcomeParts,
): { audit: AuditSink; accessLog: AccessLogReader } {
  const decisions = passedDecisions(runtime.now);
  const accessLog = outcomeRecorder({
    sink: written,
    decisions,
    elsewhere: decisionsOfOthers(decisions, peers),
    now: runtime.now,
    count: metrics.outcome,
    onError: (error) => log.error({ err: error }, "the outcome of a call could not be recorded"),
  });
  closing.add(() => accessLog.close());
  return { audit: decisions.watch(written), accessLog };
}
