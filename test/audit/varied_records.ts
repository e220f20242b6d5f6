import type { RecordDraft } from "../../src/audit/record.js";
import type { Json } from "../../src/call.js";
import type { Chance } from "./random.js";
import { decisionDraft, policyDraft } from "./samples.js";

const words = [
  "deploy",
  "staging",
  "größer",
  "नमस्ते",
  "שלום",
  "😀 rollout",
  'quote " backslash \\ slash /',
  "tab\tbell\u0007nul\u0000",
  "line\u2028separator\u2029",
  "\ufeffmark",
  "€ \ue000 \u{10ffff}",
  "",
];
const numbers = [0, -0, 1, -5, 0.1, 1e21, 1e-7, 123456789012345680000, 5e-324, 1.7976931348623157e308, 2 ** 53, 1 / 3];
const names = ["replicas", "a", "A", "ö", "€", "😀", "דּ", "", "10", "9", "\r", "image"];

/** A record as varied as what servers write: every kind, scripts of all sorts, odd numbers, nested input. */
export function variedRecord(chance: Chance, number: number): RecordDraft {
  const timestamp = new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString();
  const decided = decisionDraft({ params: nested(chance, 3), at: number });
  const { session_id, agent_id, tool, action, environment, service } = decided;
  const decision_id = `decision-${number}`;
  switch (chance.int(0, 12)) {
    case 0:
      return { ...policyDraft(`${number}`), timestamp, files: [chance.pick(words), "b.yaml"] };
    case 1:
      return {
        kind: "admin",
        timestamp,
        act: "token_issued",
        by: "agent:deploy-manager",
        agent_id: "deploy-manager",
        detail: { jti: `t-${number}`, exp: 1767326645 + number, more: nested(chance, 1) },
      };
    case 2:
      return {
        kind: "approval",
        timestamp,
        approval_id: `apr_${number}`,
        agent_id: "deploy-manager",
        session_id: "s-1",
        deployment_id: `dep-${number}`,
        fingerprint: "sha256:00ff",
        approver: "alice@example.com",
        decision: "approve",
        comment: chance.pick(words),
        outcome: "approved",
        proof: "e30.e30.e30",
      };
    case 3:
    case 4:
      return {
        ...{ kind: "outcome", timestamp, decision_id, deployment_id: null, session_id, agent_id, tool, action },
        ...{ environment, service, request_id: `${number}`, outcome: "failed", status: 503, flags: ["UF"] },
        ...{ duration_us: chance.int(1, 1_000_000), upstream: null },
      };
    default:
      return { ...decided, timestamp, decision_id, service: chance.pick(words), latency_us: chance.int(1, 10_000) };
  }
}

function nested(chance: Chance, depth: number): { [name: string]: Json } {
  const members = Array.from({ length: chance.int(1, 5) }, () => [chance.pick(names), value(chance, depth)] as const);
  return Object.fromEntries(members);
}

function value(chance: Chance, depth: number): Json {
  switch (chance.int(0, depth > 0 ? 6 : 4)) {
    case 0:
      return chance.pick(words);
    case 1:
      return chance.pick(numbers);
    case 2:
      return chance.int(-(2 ** 30), 2 ** 30) * 10 ** chance.int(-30, 30);
    case 3:
      return chance.pick([true, false, null]);
    case 4:
      return Array.from({ length: chance.int(0, 4) }, () => value(chance, depth - 1));
    default:
      return nested(chance, depth - 1);
  }
}
