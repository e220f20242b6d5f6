import type { SpanContext } from "@opentelemetry/api";
import type { Logger } from "pino";
import type { CheckRequest } from "../grpc/messages.js";
import { type Runtime, systemRuntime } from "../runtime.js";
import { factsShown, spanAttributes } from "./attributes.js";
import { parentOf } from "./context.js";
import { decisionLine } from "./decision_line.js";
import type { DecisionFacts } from "./facts.js";
import { describeFailure, isFault } from "./failures.js";
import { newSpanId, newTraceId } from "./ids.js";
import type { Metrics } from "./metrics.js";
import { type SpanParent, type SpanSink, spanKinds } from "./otlp.js";
import { isKept } from "./sampling.js";
import { type Timed, timedStages } from "./stages.js";

/** Starts what a decision leaves behind for operators: its spans, one log line, and its part in the metrics. */
export interface DecisionTelemetry {
  start(check: CheckRequest): { traceId: string; end(facts: DecisionFacts): void };
  /** The same stages, measured. */
  timed<S extends object>(stages: S): Timed<S>;
}

export interface DecisionTelemetryParts {
  /** `null` = there is nobody to send spans to, and none are made. */
  spans: SpanSink | null;
  log: Logger;
  metrics: Metrics;
  runtime?: Pick<Runtime, "now" | "monotonicMicros">;
  /** Share of passing calls whose spans are kept, 0 to 1; default 1. */
  sampling?: number;
  /** A stage that takes so many milliseconds has a span of its own; default 5. */
  slowStageMs?: number;
}

export function decisionTelemetry(parts: DecisionTelemetryParts): DecisionTelemetry {
  const { spans, log, metrics, runtime = systemRuntime, sampling = 1, slowStageMs = 5 } = parts;

  const line = decisionLine(log);

  return {
    timed: (stages) =>
      timedStages(stages, {
        monotonicMicros: runtime.monotonicMicros,
        observer: metrics.stage,
        slowUs: slowStageMs * 1000,
      }),
    start(check) {
      const parent = parentOf(check);
      const traceId = parent?.traceId ?? newTraceId();
      const begun = { traceId, parent, startedMs: runtime.now() };
      return {
        traceId,
        end(facts) {
          const { failures, decision: computed, enforced } = facts;
          const fault = failures.some(isFault);
          if (!isKept({ traceId, computed, enforced, fault }, sampling)) metrics.spans("sampled_out", 1);
          else if (spans) addSpans(spans, facts, begun, fault);
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
  /** The span that the call named. */
  parent: SpanContext | null;
  startedMs: number;
}

/** Made afterwards, with all that is known, so that what is not kept costs nothing. */
function addSpans(to: SpanSink, facts: DecisionFacts, { traceId, parent, startedMs }: Begun, fault: boolean): void {
  const spanId = newSpanId();
  const traceState = parent?.traceState?.serialize() ?? "";
  const startUs = Math.round(startedMs * 1_000);
  if (facts.slow.length > 0) stageSpans(to, { spanId, isRemote: false, traceState }, facts, { traceId, startUs });
  to.add({
    name: "countersign.decision",
    kind: spanKinds.server,
    traceId,
    spanId,
    parent: parent && { spanId: parent.spanId, isRemote: parent.isRemote === true, traceState },
    startUs,
    endUs: startUs + facts.latencyUs,
    attributes: spanAttributes(facts, fault),
    error: fault ? facts.reason : null,
  });
}

/** Stages have spans of their own only where they were slow. */
function stageSpans(
  to: SpanSink,
  parent: SpanParent,
  { slow, startedUs, policyVersion }: DecisionFacts,
  { traceId, startUs: beganUs }: { traceId: string; startUs: number },
): void {
  for (const { stage, startUs, endUs, threw } of slow) {
    to.add({
      name: `countersign.${stage}`,
      kind: spanKinds.internal,
      traceId,
      spanId: newSpanId(),
      parent,
      startUs: beganUs + startUs - startedUs,
      endUs: beganUs + endUs - startedUs,
      attributes: { stage, threw, policy_version: policyVersion },
      error: null,
    });
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
