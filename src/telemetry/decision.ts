import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type TextMapGetter, type Tracer } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { Logger } from "pino";
import type { CheckRequest, HttpRequest } from "../grpc/messages.js";
import type { Mode, Verdict } from "../verdict.js";
import type { Metrics } from "./metrics.js";

/** What operators learn of one decision. Unknown values are `null`: a call can be refused before anything is known. */
export interface DecisionFacts {
  decisionId: string;
  agentId: string | null;
  sessionId: string | null;
  tool: string | null;
  action: string | null;
  environment: string | null;
  decision: Verdict;
  enforced: Verdict;
  reason: string;
  mode: Mode;
  policyVersion: string;
  latencyUs: number;
  /** Why a stage failed; for the log only. */
  failures: readonly unknown[];
}

/** Starts what a decision leaves behind for operators: one span, one log line, and its part in the metrics. */
export interface DecisionTelemetry {
  start(check: CheckRequest): { traceId: string; end(facts: DecisionFacts): void };
}

const propagator = new W3CTraceContextPropagator();

export function decisionTelemetry(parts: { tracer: Tracer; log: Logger; metrics: Metrics }): DecisionTelemetry {
  const { tracer, log, metrics } = parts;
  return {
    start(check) {
      const parent = propagator.extract(ROOT_CONTEXT, check.attributes?.request?.http ?? null, headerGetter);
      const span = tracer.startSpan("countersign.decision", { kind: SpanKind.SERVER }, parent);
      const { traceId } = span.spanContext();
      return {
        traceId,
        end(facts) {
          span.setAttributes(attributesOf(facts));
          if (facts.failures.length > 0) span.setStatus({ code: SpanStatusCode.ERROR, message: facts.reason });
          span.end();
          metrics.decided({
            computed: facts.decision,
            enforced: facts.enforced,
            mode: facts.mode,
            reason: facts.reason,
            seconds: facts.latencyUs / 1e6,
          });
          const level = facts.failures.length > 0 ? "error" : "info";
          log[level]({ ...lineOf(facts), trace_id: traceId }, "decision");
        },
      };
    },
  };
}

function attributesOf(facts: DecisionFacts) {
  const attributes = {
    agent_id: facts.agentId,
    session_id: facts.sessionId,
    tool: facts.tool,
    action: facts.action,
    environment: facts.environment,
    decision: facts.decision,
    enforced: facts.enforced,
    decision_reason: facts.reason,
    mode: facts.mode,
    policy_version: facts.policyVersion,
    decision_id: facts.decisionId,
    latency_us: facts.latencyUs,
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null)) as Record<string, string>;
}

function lineOf({ failures, ...facts }: DecisionFacts): object {
  return {
    ...attributesOf({ ...facts, failures }),
    ...(failures.length > 0 && { errors: failures.map(describe) }),
  };
}

/** Errors with their causes, one level of each; stacks stay in the log and go nowhere else. */
function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { cause } = error;
  return { message: error.message, stack: error.stack, ...(cause instanceof Error && { cause: cause.stack }) };
}

/** Reads W3C trace context from the call's headers, in whichever form Envoy sent them. */
const headerGetter: TextMapGetter<HttpRequest | null> = {
  keys: () => ["traceparent", "tracestate"],
  get(http, name) {
    if (!http) return undefined;
    const raw = http.header_map?.headers.find((header) => header.key.toLowerCase() === name);
    if (raw) return raw.raw_value.length > 0 ? raw.raw_value.toString("latin1") : raw.value;
    return Object.hasOwn(http.headers, name) ? http.headers[name] : undefined;
  },
};
