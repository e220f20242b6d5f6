// @ts-check
import { get } from "./api.js";
import { queryOf } from "./places.js";

/** @typedef {import("../../stats/dashboard.js").DashboardView} Dashboard */
/** @typedef {import("../../stats/dashboard.js").DashboardWindow} Window */
/** @typedef {import("../../audit/record.js").DecisionRecord & import("../../audit/record.js").Envelope} Decision */
/** @typedef {import("../../audit/record.js").OutcomeRecord & import("../../audit/record.js").Envelope} Outcome */
/** @typedef {{ kind: string, writer: string, seq: number, timestamp: string }} AnyRecord */
/** @typedef {{ records: (Decision | Outcome)[], next: string | null, unreadable: unknown[] }} Records Newest first. */
/** @typedef {{ writer: string, seq: number, kind: string, decision_id: string | null, timestamp: string, sha256: string }} Proof */
/** @typedef {{ question: string, status: string, summary: string, details: Record<string, unknown>, records: Proof[] }} Answer */
/** @typedef {{ deployment_id: string, verified: unknown, signatures: unknown, answers: Answer[] }} Deployment */
/** @typedef {{ scope: string, count: number, last?: string }} Use */
/**
 * @typedef {{ agent_id: string, registered: boolean, granted: string[], used: Use[], unused: string[], narrower: unknown[],
 *   exceeded: Use[] }} AgentScopes
 */
/** @typedef {{ from: string | null, to: string | null, agents: AgentScopes[] }} Scopes */

/** @param {Window} window @returns {Promise<Dashboard>} */
export function numbers(window) {
  return get(`/v1/dashboard?window=${window}`);
}

/** @param {Readonly<Record<string, string | undefined>>} filter @returns {Promise<Records>} */
export function records(filter) {
  return get(`/v1/audit?${queryOf(filter)}`);
}

/** @param {string} id @returns {Promise<Deployment>} */
export function deployment(id) {
  return get(`/v1/audit/deployments/${encodeURIComponent(id)}`);
}

/** @returns {Promise<Scopes>} */
export function scopes() {
  return get("/v1/audit/scopes");
}
