import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import type { Logger } from "pino";
import type { CheckRequest } from "../grpc/messages.js";
import { type Runtime, systemRuntime } from "../runtime.js";
import { factsShown, spanAttributes } from "./attributes.js";
import { contextOf } from "./context.js";
import type { DecisionFacts } from "./facts.js";
import { describeFailure, isFault } from "./failures.js";
import type { Metrics } from "./metrics.js";
import { isKept } from "./sampling.js";
import { type Timed, timedStages } from "./stages.js";

/** Starts what a decision leaves behind for operators: its spans, one log line, and its part in the metrics. */
export interface DecisionTelemetry {
  start(check: CheckRequest): { traceId: string; end(facts: DecisionFacts): void };
  /** The same stages, measured. */
  timed<S extends object>(stages: S): Timed<S>;
}

export interface DecisionTelemetryParts {
  tracer: Tracer;
  log: Logger;
  metrics: Metrics;
  runtime?: Pick<Runtime, "now" | "monotonicMicros">;
  /** Share of passing calls whose spans are kept, 0 to 1; default 1. */
  sampling?: number;
  /** A stage that takes so many milliseconds has a span of its own; default 5. */
  slowStageMs?: number;
}

export function decisionTelemetry(parts: DecisionTelemetryParts): DecisionTelemetry {
  const { tracer, log, metrics, runtime = systemRuntime, sampling = 1, slowStageMs = 5 } = parts;

  /** Made afterwards, so that fast stages cost nothing. */
  function stageSpans(parent: Span, { slow, startedUs, policyVersion }: DecisionFacts, startedMs: number): void {
    if (slow.length === 0) return;
    const context = trace.setSpan(ROOT_CONTEXT, parent);
    for (const { stage, startUs, endUs, threw } of slow) {
      const startTime = timeAt(startedMs, startUs - startedUs);
      const attributes = { stage, threw, policy_version: policyVersion };
      const span = tracer.startSpan(`countersign.${stage}`, { startTime, attributes }, context);
      span.end(timeAt(startedMs, endUs - startedUs));
    }
  }

  return {
    timed: (stages) =>
      timedStages(stages, {
        monotonicMicros: runtime.monotonicMicros,
        observer: metrics.stage,
        slowUs: slowStageMs * 1000,
      }),
    start(check) {
      const startedMs = runtime.now();
      const startTime = timeAt(startedMs, 0);
      const span = tracer.startSpan("countersign.decision", { kind: SpanKind.SERVER, startTime }, contextOf(check));
      const { traceId } = span.spanContext();
      return {
        traceId,
        end(facts) {
          const fault = facts.failures.some(isFault);
          const { decision: computed, enforced } = facts;
          if (isKept({ traceId, computed, enforced, fault }, sampling)) {
            span.setAttributes(spanAttributes(facts, fault));
            if (fault) span.setStatus({ code: SpanStatusCode.ERROR, message: facts.reason });
            stageSpans(span, facts, startedMs);
            span.end(timeAt(startedMs, facts.latencyUs));
          } else metrics.spans("sampled_out", 1);
          metrics.decided(metricsOf(facts));
          log[fault ? "error" : "info"]({ ...lineOf(facts), trace_id: traceId }, "decision");
        },
      };
    },
  };
}

function metricsOf(facts: DecisionFacts): Parameters<Metrics["decided"]>[0] {
  const { agentId: agent, decision: computed, enforced, mode, reason, rules, dailyBudget } = facts;
  return { agent, computed, enforced, mode, reason, rules, dailyBudget, seconds: facts.latencyUs / 1e6 };
}

function lineOf(facts: DecisionFacts): object {
  const { failures } = facts;
  return { ...factsShown(facts), ...(failures.length > 0 && { errors: failures.map(describeFailure) }) };
}

/** Seconds and nanoseconds since the epoch, as OpenTelemetry takes them. */
function timeAt(startedMs: number, laterUs: number): [number, number] {
  const seconds = Math.floor(startedMs / 1000);
  const micros = Math.round((startedMs - seconds * 1000) * 1000 + laterUs);
  return [seconds + Math.floor(micros / 1e6), (micros % 1e6) * 1000];
}
