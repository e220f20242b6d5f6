// @ts-check

import { json } from "./call.js";
import { el, fill, icon, said, terms } from "./dom.js";
import { addressOf } from "./entry.js";
import { decisionOf } from "./evidence.js";
import { counted, latency } from "./numbers.js";
import { decisionsAt, deploymentAt } from "./places.js";
import { moment } from "./time.js";
import { agentOf, callOf, outcomeTag, verdicts, verdictTags } from "./verdicts.js";

/** @typedef {import("./evidence.js").Decision} Decision */
/** @typedef {import("./evidence.js").Outcome} Outcome */
/** @typedef {import("./dom.js").Child} Child */
/** @typedef {readonly [Child, Child, (string | undefined)?]} Row */

/** One decision: its record in words, and then whole. @param {string} id */
export function decisionView(id) {
  const heading = el("h1", { tabindex: "-1" }, "Decision");
  const state = el("p", { class: "state" });
  const body = el("div", { class: "sections" });
  const gone = el("p", { class: "empty" }, "Loading…");
  let due = 0;
  const view = {
    element: el(
      "div",
      { class: "view wide" },
      el("p", { class: "back" }, el("a", { href: decisionsAt({}) }, icon("back"), "All decisions")),
      heading,
      state,
      gone,
      body,
    ),
    heading,
    title: "Decision",
    async refresh() {
      if (performance.now() < due) return;
      const { decision, outcomes } = await decisionOf(id);
      // A record changes never; only the tool's answer may still come.
      due = performance.now() + (decision && answers(decision.enforced) && outcomes.length === 0 ? 5_000 : 60_000);
      gone.hidden = decision !== null;
      if (decision === null) {
        gone.textContent =
          "There is no record of such a decision here. Floods of refusals are counted together, under the last one.";
        return;
      }
      fill(heading, callOf(decision));
      fill(state, verdictTags(decision), moment(decision.timestamp));
      fill(body, ...sections(decision, outcomes));
    },
  };
  return view;
}

/** @param {Decision} record @param {Outcome[]} outcomes */
function sections(record, outcomes) {
  return [
    section("What became of it", terms(resultOf(record, outcomes))),
    section("Why", why(record)),
    section("Who", terms(who(record))),
    section("What", terms(what(record))),
    record.approval_id !== null && section("Approval", terms(approval(record, record.approval_id))),
    section("Session", session(record)),
    section("Where it is written", terms(chain(record))),
    section("The whole record", el("div", { class: "whole" }, json(record))),
    ...outcomes.map((outcome) =>
      section("The whole record of its outcome", el("div", { class: "whole" }, json(outcome))),
    ),
  ];
}

/** @param {string} title @param {Child} content */
function section(title, content) {
  return el("section", { class: "card" }, el("h2", {}, title), content);
}

/** @param {Decision} record @param {Outcome[]} outcomes @returns {Row[]} */
function resultOf(record, outcomes) {
  const { decision, enforced, mode, reason, aggregated, local } = record;
  return [
    ["The policies said", verdicts[decision].done.toLowerCase()],
    ["The call was", verdicts[enforced].done.toLowerCase(), decision === enforced ? undefined : "warn"],
    ["Mode", decision === enforced || mode === "shadow" ? mode : `${mode}, in a dry run`],
    ["Reason", el("code", {}, said(reason, { name: true }))],
    ...(aggregated
      ? [
          /** @type {Row} */ ([
            "Stands for",
            el(
              "span",
              {},
              `${counted(aggregated.count, "call", "calls")} from `,
              moment(aggregated.from),
              " to ",
              moment(aggregated.to),
            ),
            "warn",
          ]),
        ]
      : []),
    ...(local ? [/** @type {Row} */ (["Limits", "counted by this process alone: the store was away", "warn"])] : []),
    ["Took", aggregated ? `${latency(record.latency_us)} on average` : latency(record.latency_us)],
    ...(outcomes.length === 0
      ? [
          /** @type {Row} */ ([
            "The tool's answer",
            nothing(answers(enforced) ? "not told (yet)" : "the call did not reach it"),
          ]),
        ]
      : []),
    ...outcomes.map((outcome) => /** @type {Row} */ (["The tool's answer", outcomeOf(outcome)])),
  ];
}

/** @param {Decision["enforced"]} enforced */
function answers(enforced) {
  return enforced === "allow" || enforced === "sanitize";
}

/** @param {Outcome} outcome */
function outcomeOf(outcome) {
  const { status, duration_us, flags, upstream, timestamp } = outcome;
  return el(
    "span",
    { class: "tags" },
    outcomeTag(outcome),
    status === null ? "" : ` status ${status}`,
    duration_us === null ? "" : ` in ${latency(duration_us)}`,
    upstream === null ? "" : el("span", {}, " from ", said(upstream, { name: true })),
    flags.length > 0 && el("span", {}, " flags ", said(flags.join(" "), { name: true })),
    " on ",
    moment(timestamp),
  );
}

/** The broken rules; what is too large for a record is there as its hash. @param {Decision} record */
function why({ violations, reason }) {
  if (!Array.isArray(violations)) return json(violations);
  if (violations.length === 0)
    return el("p", {}, "No rule was broken. The reason is ", el("code", {}, said(reason, { name: true })), ".");
  return el(
    "ul",
    { class: "reasons" },
    ...violations.map((one) => broken(/** @type {Record<string, unknown>} */ (one))),
  );
}

/** @param {Record<string, unknown>} violation */
function broken({ rule, param, limit, actual, message, ...others }) {
  return el(
    "li",
    {},
    typeof message === "string" && el("p", { class: "message" }, icon("alert"), el("span", {}, said(message))),
    terms(
      [
        ["Rule", el("code", {}, said(String(rule), { name: true }))],
        param === undefined ? null : ["Parameter", el("code", {}, said(String(param), { name: true }))],
        limit === undefined ? null : ["Rule says", json(limit)],
        actual === undefined ? null : ["This call", json(actual), "actual"],
        Object.keys(others).length > 0 ? ["Further", json(others)] : null,
      ],
      "terms compact",
    ),
  );
}

/** @param {Decision} record @returns {Row[]} */
function who({ agent_id, agent_model, token, session_attestation, workflow_run_id }) {
  const session = objectOf(session_attestation);
  return [
    ["Agent", agent_id === null ? agentOf(null) : el("a", { href: decisionsAt({ agent_id }) }, agentOf(agent_id))],
    ["Model", text(agent_model)],
    ["Session started by", text(session.initiated_by)],
    ["Role", text(session.role)],
    ["Workflow run", text(workflow_run_id)],
    ["Token", token === null ? nothing("none") : json(token)],
  ];
}

/** @param {Decision} record @returns {Row[]} */
function what(record) {
  const { tool, action, environment, service, image_tag, deployment_id, http, fingerprint, opa_decision } = record;
  const unseen = record.aggregated ? "not kept of calls that are counted together" : "not looked at";
  return [
    ["Tool", text(tool)],
    ["Action", text(action)],
    ["Environment", text(environment)],
    ["Service", text(service)],
    ["Image tag", text(image_tag)],
    [
      "Deployment",
      deployment_id === null
        ? text(null)
        : el("a", { href: deploymentAt(deployment_id) }, said(deployment_id, { name: true })),
    ],
    ["Request", http === null ? text(null) : said(`${http.method} ${http.host}${http.path}`, { name: true })],
    ["Parameters", opa_decision === null ? nothing(unseen) : json(objectOf(opa_decision.input).params ?? null)],
    ["Policies", hash(opa_decision?.policy_version ?? null)],
    ["Fingerprint", hash(fingerprint)],
  ];
}

/** @param {Decision} record @param {string} id @returns {Row[]} */
function approval({ human_approval }, id) {
  const people = human_approval ?? [];
  return [
    ["Approval", el("a", { href: addressOf(id) }, said(id, { name: true }))],
    ...people.map(
      ({ approver, timestamp }) =>
        /** @type {Row} */ (["Approved by", el("span", {}, said(approver, { name: true }), " on ", moment(timestamp))]),
    ),
    ...(people.length === 0 ? [/** @type {Row} */ (["Approved by", nothing("nobody when this was decided")])] : []),
  ];
}

/** @param {Decision} record */
function session({ session_id, session_attestation, anomalies, aggregated }) {
  if (aggregated) return el("p", {}, nothing("not kept of calls that are counted together"));
  if (session_id === null) return el("p", {}, nothing("none: nobody was known yet"));
  const { session_integrity: integrity, data_classification: data, bound } = objectOf(session_attestation);
  const found = anomalies?.found ?? [];
  const before = anomalies?.before ?? [];
  return terms([
    ["Session", el("a", { href: decisionsAt({ session_id }) }, said(session_id, { name: true }))],
    ["Bound by the token", bound === true ? "yes" : "no"],
    ["Integrity", text(integrity), integrity === "clean" || integrity === undefined ? undefined : "warn"],
    [
      "Data touched",
      Array.isArray(data) && data.length > 0
        ? said(data.join(", "), { name: true })
        : nothing("none that is classified"),
    ],
    [
      "Found in this call",
      found.length > 0 ? json(found) : nothing("no anomaly"),
      found.length > 0 ? "warn" : undefined,
    ],
    ["Before", before.length > 0 ? json(before) : nothing("no anomaly")],
  ]);
}

/** @param {Decision} record @returns {Row[]} */
function chain({ decision_id, writer, seq, prev, signature, request_id, trace_id }) {
  return [
    ["Decision", hash(decision_id)],
    ["Record", el("span", {}, "number ", String(seq), " of ", said(writer, { name: true }))],
    ["Record before", hash(prev)],
    ["Signed by", el("span", {}, said(signature.kid, { name: true }), ` (${signature.alg})`)],
    ["Request id", hash(request_id)],
    ["Trace", hash(trace_id)],
  ];
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? said(value, { name: true }) : nothing("none");
}

/** An id that nobody reads as a word. @param {string | null} value */
function hash(value) {
  return value === null ? text(value) : el("code", { class: "hash" }, text(value));
}

/** @param {string} words */
function nothing(words) {
  return el("span", { class: "nothing" }, words);
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function objectOf(value) {
  return typeof value === "object" && value !== null ? /** @type {Record<string, unknown>} */ (value) : {};
}
