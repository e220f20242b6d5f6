// @ts-check
import { json } from "./call.js";
import { el, said, terms } from "./dom.js";
import { addressOf } from "./entry.js";
import { decisionAt, decisionsAt } from "./places.js";
import { moment } from "./time.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {readonly [term: Child, value: Child]} Row */

/** What facts and their members are called; others are called by their name. @type {Readonly<Record<string, string>>} */
const labels = {
  calls: "Let through",
  stopped: "Calls stopped",
  agents: "Acted",
  initiated_by: "Session started by",
  people: "Approved by",
  answers: "Answers of people",
  verdicts: "Let through",
  refused: "Stopped",
  policy_versions: "Policies in force",
  loaded_at: "Loaded",
  session_integrity: "Integrity of the session",
  sessions: "Sessions",
  anomalies_found: "Found in these calls",
  anomalies_before: "Found before",
  troubled_calls: "Other calls with trouble",
  attestation: "As it was attested",
  data_classification: "Data of the session",
  found_in_calls: "Detectors found",
  calls_with_masked_values: "Calls with masked values",
  searched_by_detectors: "Detectors searched every call",
  decision_id: "Decision",
  approval_id: "Approval",
  agent_id: "Agent",
  agent_model: "Model",
  session_id: "Session",
  workflow_run_id: "Workflow run",
  session_bound: "Session named by the token",
  bound: "Session named by the token",
  image_tag: "Image tag",
  upstream_status: "Status of the tool",
  enforced: "The call was",
  decision: "Policies said",
  policy_version: "Policies",
  timestamp: "When",
  recorded: "Answer on record",
  iss: "Issuer",
  sub: "Subject",
  jti: "Token id",
  exp: "Expires",
  at: "When",
};

/** Members that are one value of a kind that is known, each with how it is shown. @type {Readonly<Record<string, (text: string) => Child>>} */
const known = {
  decision_id: (id) => el("a", { href: decisionAt(id) }, said(id, { name: true })),
  calls_with_masked_values: (id) => el("a", { href: decisionAt(id) }, said(id, { name: true })),
  approval_id: (id) => el("a", { href: addressOf(id) }, said(id, { name: true })),
  sessions: (id) => el("a", { href: decisionsAt({ session_id: id }) }, said(id, { name: true })),
  session_id: (id) => el("a", { href: decisionsAt({ session_id: id }) }, said(id, { name: true })),
  agent_id: (id) => el("a", { href: decisionsAt({ agent_id: id }) }, said(id, { name: true })),
  timestamp: instant,
  loaded_at: instant,
  at: instant,
  policy_version: hash,
  proof: hash,
  shown: hash,
};

/** What an answer rests on, as it is; members without a value are left out. @param {Readonly<Record<string, unknown>>} facts */
export function factsOf(facts) {
  return terms(Object.entries(facts).map(([name, value]) => row(name, value)));
}

/** @param {string} name @param {unknown} value @returns {Row} */
function row(name, value) {
  const label = Object.hasOwn(labels, name) ? labels[name] : null;
  const words = name.replace(/_/g, " ");
  return [label ?? said(words.slice(0, 1).toUpperCase() + words.slice(1), { name: true }), shown(name, value)];
}

/** @param {string} name @param {unknown} value @returns {Child} */
function shown(name, value) {
  if (value === null || (Array.isArray(value) && value.length === 0)) return el("span", { class: "nothing" }, "none");
  if (typeof value === "string") return text(name, value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(value);
  if (!Array.isArray(value)) return members(/** @type {Record<string, unknown>} */ (value));
  if (value.every((one) => typeof one === "string")) {
    return el("ul", { class: "values" }, ...value.map((one) => el("li", {}, text(name, one))));
  }
  return el("ul", { class: "fact-list" }, ...value.map((one) => el("li", {}, one === null ? json(one) : members(one))));
}

/** @param {unknown} value */
function members(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return json(value);
  const rows = Object.entries(value).flatMap(([name, one]) => {
    if (one === null || (Array.isArray(one) && one.length === 0)) return [];
    // What agents sent is shown as the JSON that it is.
    return [typeof one === "object" ? /** @type {Row} */ ([row(name, one)[0], json(one)]) : row(name, one)];
  });
  return terms(rows, "terms compact");
}

/** @param {string} name @param {string} value */
function text(name, value) {
  const show = Object.hasOwn(known, name) ? known[name] : null;
  return show ? show(value) : said(value, { name: true });
}

/** @param {string} at */
function instant(at) {
  return Number.isNaN(Date.parse(at)) ? said(at, { name: true }) : moment(at);
}

/** @param {string} value */
function hash(value) {
  return el("code", { class: "hash" }, said(value, { name: true }));
}
