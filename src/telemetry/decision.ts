import { inspect } from "node:util";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type TextMapGetter, type Tracer } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { Logger } from "pino";
import type { CheckRequest, HttpRequest } from "../grpc/messages.js";
import { refusalOf } from "../reasons.js";
import { Refusal } from "../refusal.js";
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
  /** The rules that were found broken, those in shadow included. */
  rules: readonly string[];
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
          const level = facts.failures.some(isFault) ? "error" : "info";
          if (level === "error") span.setStatus({ code: SpanStatusCode.ERROR, message: facts.reason });
          span.end();
          metrics.decided({
            computed: facts.decision,
            enforced: facts.enforced,
            mode: facts.mode,
            reason: facts.reason,
            rules: facts.rules,
            seconds: facts.latencyUs / 1e6,
          });
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

/** A refusal for the agent's own doing is an ordinary outcome; what kept us from deciding is not. */
function isFault(failure: unknown): boolean {
  return !(failure instanceof Refusal) || refusalOf(failure.reason).error === "Unavailable";
}

/** Causes behind an error that are logged: what a service made of it, and what the system said. */
const maxCauses = 4;

/** An error with its causes, outermost first; stacks stay in the log and go nowhere else. */
function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: textOf(error) };
  const causes: string[] = [];
  let { cause } = error;
  while (cause !== undefined && causes.length < maxCauses) {
    causes.push(cause instanceof Error ? (cause.stack ?? cause.message) : textOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return { message: error.message, stack: error.stack, ...(causes.length > 0 && { causes }) };
}

/** Of anything that was thrown; `String` fails on an object without prototype. */
function textOf(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : inspect(thrown, { customInspect: false, depth: 1 });
}

/** Reads W3C trace context from the call's headers, in whichever form Envoy sent them. */
const headerGetter: TextMapGetter<HttpRequest | null> = {
  keys: () => ["traceparent", "tracestate"],
  get(http, name) {
    if (!http) return undefined;
    const [raw, ...others] = http.header_map?.headers.filter((header) => header.key.toLowerCase() === name) ?? [];
    // Two parents are none; the joined form of two does not parse either.
    if (others.length > 0) return undefined;
    if (raw) return raw.raw_value.length > 0 ? raw.raw_value.toString("latin1") : raw.value;
    return Object.hasOwn(http.headers, name) ? http.headers[name] : undefined;
  },
};
