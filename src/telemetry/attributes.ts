import type { Attributes } from "@opentelemetry/api";
import type { DecisionFacts } from "./facts.js";

type Known<T> = Exclude<T, null> | undefined;

/** What the log line and the span of a decision share. What is `undefined` is shown by neither. */
export interface FactsShown {
  agent_id: Known<DecisionFacts["agentId"]>;
  session_id: Known<DecisionFacts["sessionId"]>;
  tool: Known<DecisionFacts["tool"]>;
  action: Known<DecisionFacts["action"]>;
  environment: Known<DecisionFacts["environment"]>;
  decision: DecisionFacts["decision"];
  enforced: DecisionFacts["enforced"];
  decision_reason: string;
  mode: DecisionFacts["mode"];
  policy_version: string;
  decision_id: string;
  latency_us: number;
}

/** One literal of one shape, unknown values included: made for every decision, it costs a fifth of leaving them out. */
export function factsShown(facts: DecisionFacts): FactsShown {
  return {
    agent_id: facts.agentId ?? undefined,
    session_id: facts.sessionId ?? undefined,
    tool: facts.tool ?? undefined,
    action: facts.action ?? undefined,
    environment: facts.environment ?? undefined,
    decision: facts.decision,
    enforced: facts.enforced,
    decision_reason: facts.reason,
    mode: facts.mode,
    policy_version: facts.policyVersion,
    decision_id: facts.decisionId,
    latency_us: facts.latencyUs,
  };
}

/**
 * Attributes of the span: ours, and those that OpenTelemetry's semantic conventions name for the same things (GenAI spans,
 * HTTP spans). Never parameters, bodies, queries or paths.
 */
export function spanAttributes(facts: DecisionFacts, fault: boolean): Attributes {
  const { http } = facts;
  const shown = factsShown(facts);
  // Written out: spread into a larger literal they cost ten times as much.
  return {
    agent_id: shown.agent_id,
    session_id: shown.session_id,
    tool: shown.tool,
    action: shown.action,
    environment: shown.environment,
    decision: shown.decision,
    enforced: shown.enforced,
    decision_reason: shown.decision_reason,
    mode: shown.mode,
    policy_version: shown.policy_version,
    decision_id: shown.decision_id,
    latency_us: shown.latency_us,
    latency: facts.latencyUs / 1e6,
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.agent.id": shown.agent_id,
    "gen_ai.tool.name": shown.tool,
    "gen_ai.conversation.id": shown.session_id,
    "http.request.method": http ? methodOf(http.method) : undefined,
    "server.address": http?.host,
    "server.port": http?.port,
    "error.type": fault ? facts.reason : undefined,
  } satisfies Attributes & FactsShown;
}

/** Methods of RFC 9110 and RFC 5789; the conventions call all others by one name, so that agents cannot make any. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]);

function methodOf(method: string): string {
  return methods.has(method) ? method : "_OTHER";
}
