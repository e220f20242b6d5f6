// @ts-check
import { el, said } from "./dom.js";
import { latency } from "./numbers.js";
import { decisionAt } from "./places.js";
import { moment } from "./time.js";
import { agentOf, callOf, outcomeTag, verdictTags } from "./verdicts.js";

/**
 * One decision in a list, as a link to its record, with what became of the call where that is told.
 *
 * @param {import("./evidence.js").Decision} record
 * @param {import("./evidence.js").Outcome} [outcome]
 */
export function rowOf(record, outcome) {
  const { decision_id, agent_id, reason, timestamp, latency_us } = record;
  return el(
    "li",
    {},
    el("span", { class: "tags" }, verdictTags(record), outcome && outcomeTag(outcome)),
    el("a", { href: decisionAt(decision_id), "data-id": decision_id }, callOf(record)),
    el("span", { class: "by" }, agentOf(agent_id)),
    el("code", { class: "why" }, said(reason, { name: true })),
    el("span", { class: "when" }, moment(timestamp), ` · ${latency(latency_us)}`),
  );
}
