import type { Logger } from "pino";
import type { AccessLogReader } from "../grpc/access_log.js";
import { passedDecisions } from "../outcomes/passed.js";
import { outcomeRecorder } from "../outcomes/recorder.js";
import type { Runtime } from "../runtime.js";
import type { WatchedAudit } from "../telemetry/audit_watch.js";
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

/** Who reads Envoy's access log, and remembers what was let through. */
export function serverOutcomes(
  audit: WatchedAudit,
  { runtime, metrics, log, closing, peers }: OutcomeParts,
): AccessLogReader {
  const decisions = passedDecisions(runtime.now);
  audit.onDecision(decisions.recorded);
  const accessLog = outcomeRecorder({
    sink: audit,
    decisions,
    elsewhere: decisionsOfOthers(decisions, peers),
    now: runtime.now,
    count: metrics.outcome,
    onError: (error) => log.error({ err: error }, "the outcome of a call could not be recorded"),
  });
  closing.add(() => accessLog.close());
  return accessLog;
}
