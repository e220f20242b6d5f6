import type { Attributes } from "@opentelemetry/api";
import type { DecisionFacts } from "./facts.js";

/** What the log line and the span of a decision share. Unknown values are left out. */
export function factsShown(facts: DecisionFacts): Attributes {
  return known({
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
  });
}

/**
 * Attributes of the span: ours, and those that OpenTelemetry's semantic conventions name for the same things (GenAI spans,
 * HTTP spans). Never parameters, bodies, queries or paths.
 */
export function spanAttributes(facts: DecisionFacts, fault: boolean): Attributes {
  const { http } = facts;
  return {
    ...factsShown(facts),
    latency: facts.latencyUs / 1e6,
    ...known({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.agent.id": facts.agentId,
      "gen_ai.tool.name": facts.tool,
      "gen_ai.conversation.id": facts.sessionId,
      "http.request.method": http && methodOf(http.method),
      "server.address": http?.host ?? null,
      "server.port": http?.port ?? null,
      "error.type": fault ? facts.reason : null,
    }),
  };
}

/** Methods of RFC 9110 and RFC 5789; the conventions call all others by one name, so that agents cannot make any. */
const methods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]);

function methodOf(method: string): string {
  return methods.has(method) ? method : "_OTHER";
}

function known(values: Record<string, string | number | null>): Attributes {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as Attributes;
}
