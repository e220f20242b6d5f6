// @ts-check
import { get, Refused } from "./api.js";
import { queryOf } from "./places.js";

/** @typedef {import("../../stats/dashboard.js").DashboardView} Dashboard */
/** @typedef {import("../../stats/dashboard.js").DashboardWindow} Window */
/** @typedef {import("../../audit/record.js").DecisionRecord & import("../../audit/record.js").Envelope} Decision */
/** @typedef {import("../../audit/record.js").OutcomeRecord & import("../../audit/record.js").Envelope} Outcome */
/** @typedef {{ kind: string, writer: string, seq: number, timestamp: string }} AnyRecord */
/** @typedef {{ records: (Decision | Outcome)[], next: string | null, unreadable: unknown[] }} Records Newest first. */
/** @typedef {import("../../http/audit.js").ServedEvidence} Deployment */
/** @typedef {import("../../evidence/answer.js").Answer} Answer */
/** @typedef {import("../../evidence/scopes.js").ScopesReport} Scopes */
/** @typedef {import("../../evidence/scopes.js").AgentScopes} AgentScopes */

/** Milliseconds that a search may take: it reads many records. */
const patience = 120_000;
/** Pages that are turned for one decision, each of many megabytes of records. */
const mostPages = 20;
/** Until then the server is not asked to search, by `performance.now()`. */
let busyUntil = 0;
/** @type {Refused | null} */
let busy = null;

/** @param {Window} window @returns {Promise<Dashboard>} */
export function numbers(window) {
  return get(`/v1/dashboard?window=${window}`);
}

/** @param {Readonly<Record<string, string | undefined>>} filter @returns {Promise<Records>} */
export function records(filter) {
  return search(`/v1/audit?${queryOf(filter)}`);
}

/**
 * A decision, `null` when no record tells of it, and what became of the call. Its outcomes were written after it.
 *
 * @param {string} id
 * @returns {Promise<{ decision: Decision | null, outcomes: Outcome[] }>}
 */
export async function decisionOf(id) {
  /** @type {Outcome[]} */
  const outcomes = [];
  let cursor = "";
  for (let pages = 0; pages < mostPages; pages++) {
    const page = await records({ decision_id: id, limit: "100", cursor });
    for (const record of page.records) {
      if (record.kind === "outcome") outcomes.push(record);
      if (record.kind === "decision") return { decision: record, outcomes };
    }
    if (page.next === null) break;
    cursor = page.next;
  }
  return { decision: null, outcomes };
}

/** @param {string} id @returns {Promise<Deployment>} */
export function deployment(id) {
  return search(`/v1/audit/deployments/${encodeURIComponent(id)}`);
}

/** @returns {Promise<Scopes>} */
export function scopes() {
  return search("/v1/audit/scopes");
}

/** A server that is busy is asked again when it said. @param {string} path */
async function search(path) {
  if (busy !== null && performance.now() < busyUntil) throw busy;
  try {
    return await get(path, patience);
  } catch (error) {
    if (error instanceof Refused && error.isBusy) {
      busy = error;
      busyUntil = performance.now() + (error.retryAfterMs ?? 0);
    }
    throw error;
  }
}
