import type { Logger } from "pino";
import type { AuditSink } from "../audit/record.js";
import type { Config } from "../config/schema.js";
import type { Runtime } from "../runtime.js";
import { type DecisionTelemetry, decisionTelemetry } from "../telemetry/decision.js";
import { openExporter } from "../telemetry/exporter.js";
import { changeableLogLevel, type LogLevels } from "../telemetry/log_level.js";
import type { Metrics } from "../telemetry/metrics.js";
import { startTracing } from "../telemetry/tracing.js";
import type { Closing } from "./closing.js";

export interface ServerTelemetry {
  decisions: DecisionTelemetry;
  logLevels: LogLevels;
}

/** Spans, log lines and metrics of decisions, as configured. Throws an `Error` for the operator about headers of no use. */
export async function serverTelemetry(
  { telemetry }: Pick<Config, "telemetry">,
  deps: { runtime: Runtime; log: Logger; metrics: Metrics; audit: AuditSink; closing: Closing },
): Promise<ServerTelemetry> {
  const { otlp, sampling, slow_stage: slowStageMs, log: form, log_level: level } = telemetry;
  const { log, metrics, closing } = deps;
  const tracing = startTracing(otlp ? { exporter: await openExporter(otlp), watch: watchOf(log, metrics) } : null);
  closing.add(() => tracing.close());
  const logLevels = changeableLogLevel({ ...deps, configured: form === "off" ? null : level });
  closing.add(() => logLevels.close());
  return { decisions: decisionTelemetry({ ...deps, tracer: tracing.tracer, sampling, slowStageMs }), logLevels };
}

function watchOf(log: Logger, metrics: Metrics) {
  return {
    counted: metrics.spans,
    waiting: metrics.spansWaiting,
    away: (error: string) =>
      log.warn({ error }, "the collector takes no spans: they wait, and what is too many is dropped"),
    back: () => log.info("the collector takes spans again"),
  };
}
