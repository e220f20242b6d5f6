import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { Logger } from "pino";
import type { CheckRequest } from "../grpc/messages.js";
import { type Runtime, systemRuntime } from "../runtime.js";
import { factsShown, spanAttributes } from "./attributes.js";
import { contextOf } from "./context.js";
import { decisionLine } from "./decision_line.js";
import type { DecisionFacts } from "./facts.js";
import { describeFailure, isFault } from "./failures.js";
import { newTraceId, startSpanIn } from "./ids.js";
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
  /** Of a provider with `spanIds`; `null` = there is nobody to send spans to, and none are made. */
  tracer: Tracer | null;
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

  const line = decisionLine(log);

  /** Made afterwards, with all that is known, so that what is not kept costs nothing. */
  function spansOf(tracer: Tracer, facts: DecisionFacts, begun: Begun, fault: boolean): void {
    const { traceId, startedMs, context } = begun;
    const startTime = timeAt(startedMs, 0);
    const options = { kind: SpanKind.SERVER, startTime };
    const span = startSpanIn({ tracer, traceId }, "countersign.decision", options, context);
    // Given with the options they would be copied and checked three times.
    span.setAttributes(spanAttributes(facts, fault));
    if (fault) span.setStatus({ code: SpanStatusCode.ERROR, message: facts.reason });
    if (facts.slow.length > 0) stageSpans(tracer, span, facts, startedMs);
    span.end(timeAt(startedMs, facts.latencyUs));
  }

  return {
    timed: (stages) =>
      timedStages(stages, {
        monotonicMicros: runtime.monotonicMicros,
        observer: metrics.stage,
        slowUs: slowStageMs * 1000,
      }),
    start(check) {
      const context = contextOf(check);
      const traceId = trace.getSpanContext(context)?.traceId ?? newTraceId();
      const begun = { traceId, context, startedMs: runtime.now() };
      return {
        traceId,
        end(facts) {
          const { failures, decision: computed, enforced } = facts;
          const fault = failures.some(isFault);
          if (!isKept({ traceId, computed, enforced, fault }, sampling)) metrics.spans("sampled_out", 1);
          else if (tracer) spansOf(tracer, facts, begun, fault);
          metrics.decided(metricsOf(facts));
          if (failures.length === 0) line(facts, traceId);
          else log[fault ? "error" : "info"](lineOfFailed(facts, traceId), "decision");
        },
      };
    },
  };
}

/** A decision that is being made. */
interface Begun {
  traceId: string;
  /** With the parent span that the call named, if any. */
  context: Context;
  startedMs: number;
}

/** Stages have spans of their own only where they were slow. */
function stageSpans(tracer: Tracer, parent: Span, facts: DecisionFacts, startedMs: number): void {
  const { slow, startedUs, policyVersion } = facts;
  const context = trace.setSpan(ROOT_CONTEXT, parent);
  for (const { stage, startUs, endUs, threw } of slow) {
    const startTime = timeAt(startedMs, startUs - startedUs);
    const attributes = { stage, threw, policy_version: policyVersion };
    const span = tracer.startSpan(`countersign.${stage}`, { startTime, attributes }, context);
    span.end(timeAt(startedMs, endUs - startedUs));
  }
}

function metricsOf(facts: DecisionFacts): Parameters<Metrics["decided"]>[0] {
  const { agentId: agent, decision: computed, enforced, mode, reason, rules, dailyBudget } = facts;
  return { agent, computed, enforced, mode, reason, rules, dailyBudget, seconds: facts.latencyUs / 1e6 };
}

/** Errors may say anything. */
function lineOfFailed(facts: DecisionFacts, traceId: string): object {
  return { ...factsShown(facts), errors: facts.failures.map(describeFailure), trace_id: traceId };
}

/** Seconds and nanoseconds since the epoch, as OpenTelemetry takes them. */
function timeAt(startedMs: number, laterUs: number): [number, number] {
  const seconds = Math.floor(startedMs / 1000);
  const micros = Math.round((startedMs - seconds * 1000) * 1000 + laterUs);
  return [seconds + Math.floor(micros / 1e6), (micros % 1e6) * 1000];
}
