import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { pino } from "pino";
import type { CheckRequest, HttpRequest } from "../../src/grpc/messages.js";
import { Refusal } from "../../src/refusal.js";
import { type DecisionTelemetryParts, decisionTelemetry } from "../../src/telemetry/decision.js";
import type { DecisionFacts } from "../../src/telemetry/facts.js";
import { spanIds } from "../../src/telemetry/ids.js";
import { createMetrics } from "../../src/telemetry/metrics.js";
import { knownFacts } from "./known_facts.js";

const known = knownFacts;
const unknown = { agentId: null, sessionId: null, tool: null, action: null, environment: null, http: null };

/** What `known` is on a log line, and on a span with what follows. */
const attributes = {
  agent_id: "deploy-manager",
  session_id: "ses_1",
  tool: "deploy-api",
  action: "deploy",
  environment: "staging",
  decision: "deny",
  enforced: "allow",
  decision_reason: "max_replicas",
  mode: "shadow",
  policy_version: "sha256:9f2c",
  decision_id: "01JD0000000000000000000000",
  latency_us: 412,
};

const conventions = {
  latency: 0.000412,
  "gen_ai.operation.name": "execute_tool",
  "gen_ai.agent.id": "deploy-manager",
  "gen_ai.tool.name": "deploy-api",
  "gen_ai.conversation.id": "ses_1",
  "http.request.method": "POST",
  "server.address": "deploy.internal",
  "server.port": 443,
};

function start(more: Partial<DecisionTelemetryParts> = {}) {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    idGenerator: spanIds,
  });
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const metrics = createMetrics();
  const telemetry = decisionTelemetry({ tracer: provider.getTracer("test"), log, metrics, ...more });
  const decide = (check: CheckRequest, facts: DecisionFacts = known) => {
    const { traceId, end } = telemetry.start(check);
    end(facts);
    const span = exporter.getFinishedSpans().at(-1);
    if (!span) throw new Error("there is no span");
    return { traceId, span, line: lines.at(-1) ?? {} };
  };
  return { decide, telemetry, exporter, lines, metrics };
}

const http = (more: Partial<HttpRequest>): CheckRequest => ({
  attributes: {
    source: null,
    destination: null,
    request: {
      time: null,
      http: {
        id: "1",
        method: "GET",
        headers: {},
        header_map: null,
        path: "/",
        host: "h",
        scheme: "https",
        query: "",
        fragment: "",
        size: "0",
        protocol: "HTTP/2",
        body: "",
        raw_body: Buffer.alloc(0),
        ...more,
      },
    },
    context_extensions: {},
    metadata_context: null,
    route_metadata_context: null,
    tls_session: null,
  },
});
/** Headers as Envoy sends them without, and with, `encode_raw_headers`. */
const forms: Record<string, (headers: [string, string][]) => CheckRequest> = {
  joined: (headers) => {
    const names = new Set(headers.map(([name]) => name.toLowerCase()));
    const valuesOf = (name: string) => headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
    return http({ headers: Object.fromEntries([...names].map((name) => [name, valuesOf(name).join(",")])) });
  },
  listed: (headers) => {
    const joined = new Map<string, string>();
    for (const [key, value] of headers) {
      const name = key.toLowerCase();
      const before = joined.get(name);
      joined.set(name, before === undefined ? value : `${before},${value}`);
    }
    return http({ headers: [...joined].map(([name, value]) => ({ name, value })) });
  },
  raw: (headers) => {
    const raw = headers.map(([key, value]) => ({ key, value: "", raw_value: Buffer.from(value, "latin1") }));
    return http({ header_map: { headers: raw } });
  },
  "raw map with plain values": (headers) => {
    const plain = headers.map(([key, value]) => ({ key, value, raw_value: Buffer.alloc(0) }));
    return http({ header_map: { headers: plain } });
  },
};
const nothing: CheckRequest = { attributes: null };
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = `00-${traceId}-00f067aa0ba902b7-01`;

test("a decision is one span with everything that is known of it", () => {
  const { decide, exporter } = start();
  const { span, traceId } = decide(nothing);
  expect(exporter.getFinishedSpans()).toHaveLength(1);
  expect(span.name).toBe("countersign.decision");
  expect(span.kind).toBe(SpanKind.SERVER);
  expect(span.attributes).toEqual({ ...attributes, ...conventions });
  expect(span.status).toEqual({ code: SpanStatusCode.UNSET });
  expect(span.spanContext().traceId).toBe(traceId);
  expect(span.parentSpanContext).toBeUndefined();
});

test("a decision is one log line with the same, and its trace", () => {
  const { decide, lines } = start();
  const { line, traceId } = decide(nothing);
  expect(lines).toEqual([line]);
  expect(line).toEqual({ ...attributes, level: 30, trace_id: traceId, msg: "decision" });
});

test("what is not known is left out", () => {
  const { agent_id: _a, session_id: _s, tool: _t, action: _c, environment: _e, ...rest } = attributes;
  const { span, line } = start().decide(nothing, { ...known, ...unknown });
  expect(span.attributes).toEqual({ ...rest, latency: 0.000412, "gen_ai.operation.name": "execute_tool" });
  expect(Object.keys(line)).toEqual(expect.not.arrayContaining(["agent_id", "tool", "errors"]));
});

describe.each(Object.entries(forms))("trace context in %s headers", (_name, request) => {
  test.each(["traceparent", "Traceparent"])("%s names the parent", (name) => {
    const { span, traceId: own } = start().decide(request([[name, parent]]));
    expect(own).toBe(traceId);
    expect(span.spanContext().traceId).toBe(traceId);
    expect(span.parentSpanContext).toMatchObject({ traceId, spanId: "00f067aa0ba902b7", isRemote: true });
  });

  test("tracestate goes with it", () => {
    const { span } = start().decide(
      request([
        ["traceparent", parent],
        ["tracestate", "vendor=1"],
      ]),
    );
    expect(span.parentSpanContext?.traceState?.get("vendor")).toBe("1");
  });

  test.each([
    ["empty", [""]],
    ["another text", ["hello"]],
    ["a zero trace", [`00-${"0".repeat(32)}-00f067aa0ba902b7-01`]],
    ["a zero span", [`00-${traceId}-${"0".repeat(16)}-01`]],
    ["upper case", [parent.toUpperCase()]],
    ["version ff", [parent.replace(/^00/, "ff")]],
    ["too long", [`${parent}-more`]],
    ["given twice", [parent, parent]],
    ["given twice, once wrong", [parent, "hello"]],
    ["with a line break", [`${parent}\r\nx: y`]],
    ["huge", ["a".repeat(100_000)]],
  ])("a parent that is %s begins a trace of its own", (_what, values) => {
    const { span, traceId: own } = start().decide(request(values.map((value) => ["traceparent", value])));
    expect(span.parentSpanContext).toBeUndefined();
    expect(own).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(own).not.toBe(traceId);
  });
});

test.each(["__proto__", "constructor", "toString"])("a header called %s is no trace context", (name) => {
  const headers: Record<string, string> = Object.create(null);
  headers[name] = parent;
  expect(start().decide(http({ headers })).span.parentSpanContext).toBeUndefined();
});

describe("a decision in which something failed", () => {
  const cause = new Error("connect ECONNREFUSED 10.0.0.7:6379");
  const failure = new Refusal("store_unavailable", "the store did not answer", { cause });
  const facts: DecisionFacts = { ...known, reason: "store_unavailable", failures: [failure, "thrown text"] };

  test("is an error on the span, without its inner text", () => {
    const { span } = start().decide(nothing, facts);
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: "store_unavailable" });
    expect(JSON.stringify([span.attributes, span.events, span.status])).not.toContain("10.0.0.7");
  });

  test("is an error in the log, with stacks and causes", () => {
    const { line } = start().decide(nothing, facts);
    expect(line.level).toBe(50);
    expect(line.errors).toEqual([
      {
        message: "the store did not answer",
        stack: expect.stringMatching(/^Refusal: the store did not answer\n +at /),
        causes: [expect.stringMatching(/^Error: connect ECONNREFUSED 10\.0\.0\.7:6379\n +at /)],
      },
      { message: "thrown text" },
    ]);
  });
});

test("a decision counts once, under what was decided", async () => {
  const { decide, metrics } = start();
  decide(nothing);
  const text = await metrics.text();
  expect(text).toContain(
    'countersign_decisions_total{decision="deny",enforced="allow",mode="shadow",reason="max_replicas"} 1\n',
  );
  expect(text).toContain('countersign_decision_seconds_sum{enforced="allow"} 0.000412\n');
});

test.each([
  ["PUT", "PUT"],
  ["PROPFIND", "_OTHER"],
  ["A-METHOD-OF-AN-AGENT", "_OTHER"],
])("the method %s is told as %s", (method, told) => {
  const { span } = start().decide(nothing, { ...known, http: { method, host: "h", port: 80 } });
  expect(span.attributes["http.request.method"]).toBe(told);
});

test("what failed has an error type, and what was refused for the agent's doing has none", () => {
  const { decide } = start();
  expect(
    decide(nothing, { ...known, failures: [new Error("x")], reason: "internal_error" }).span.attributes,
  ).toMatchObject({ "error.type": "internal_error" });
  expect(decide(nothing).span.attributes).not.toHaveProperty("error.type");
});

describe("a stage that took long", () => {
  const slow = [{ stage: "settle", startUs: 1_002_000, endUs: 1_009_500, threw: true }];
  const runtime = { now: () => Date.parse("2026-03-01T12:00:00.250Z"), monotonicMicros: () => 1_000_000 };

  test("has a span of its own below the decision's, at the time at which it ran", () => {
    const { decide, exporter } = start({ runtime });
    const { span } = decide(http({ headers: { traceparent: parent } }), { ...known, latencyUs: 10_000, slow });
    const [child, root] = exporter.getFinishedSpans();
    expect(root).toBe(span);
    const seconds = Date.parse("2026-03-01T12:00:00Z") / 1000;
    expect([root?.startTime, root?.endTime]).toEqual([
      [seconds, 250_000_000],
      [seconds, 260_000_000],
    ]);
    expect(child).toMatchObject({
      name: "countersign.settle",
      parentSpanContext: { spanId: span.spanContext().spanId },
      startTime: [seconds, 252_000_000],
      endTime: [seconds, 259_500_000],
      attributes: { stage: "settle", threw: true, policy_version: "sha256:9f2c" },
    });
    expect(child?.spanContext().traceId).toBe(traceId);
  });

  test("has none where the decision's span is not kept", () => {
    const { telemetry, exporter } = start({ runtime, sampling: 0 });
    telemetry.start(nothing).end({ ...known, decision: "allow", slow });
    expect(exporter.getFinishedSpans()).toEqual([]);
  });
});
