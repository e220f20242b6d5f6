// @ts-check
import { el, said } from "./dom.js";
import { latency } from "./numbers.js";
import { decisionAt } from "./places.js";
import { moment } from "./time.js";
import { agentOf, callOf, verdictTags } from "./verdicts.js";

/** One decision in a list, as a link to its record. @param {import("./evidence.js").Decision} record */
export function rowOf(record) {
  const { decision_id, agent_id, reason, timestamp, latency_us } = record;
  return el(
    "li",
    {},
    verdictTags(record),
    el("a", { href: decisionAt(decision_id), "data-id": decision_id }, callOf(record)),
    el("span", { class: "by" }, agentOf(agent_id)),
    el("code", { class: "why" }, said(reason, { name: true })),
    el("span", { class: "when" }, moment(timestamp), ` · ${latency(latency_us)}`),
  );
}
