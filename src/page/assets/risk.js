// @ts-check
import { json } from "./call.js";
import { el, icon, said, terms } from "./dom.js";
import { moment } from "./time.js";

/** @typedef {import("./api.js").Approval} Approval */
/** @typedef {import("./api.js").Risk} Risk */
/** @typedef {import("./dom.js").Child} Child */

/** Why people are asked, first of all. @param {Approval} approval */
export function reasons({ violations, reason }) {
  if (violations.length === 0) return el("p", {}, "The policy asks for an approval: ", said(reason, { name: true }));
  return el(
    "ul",
    { class: "reasons" },
    ...violations.map(({ rule, param, limit, actual, message }) =>
      el(
        "li",
        {},
        el("p", { class: "message" }, icon("alert"), el("span", {}, said(message))),
        terms(
          [
            ["Rule", el("code", {}, said(rule, { name: true }))],
            param === undefined ? null : ["Parameter", el("code", {}, said(param, { name: true }))],
            limit === undefined ? null : ["Rule says", json(limit)],
            actual === undefined ? null : ["This call", json(actual), "actual"],
          ],
          "terms compact",
        ),
      ),
    ),
  );
}

/** What is known about who asks. `risk` is absent where the server could not find it out. @param {Approval} approval */
export function circumstances(approval) {
  const { agent, initiated_by } = approval.requested_by;
  const { risk } = approval;
  const environment = /** @type {Record<string, unknown>} */ (approval.call).environment;
  return terms([
    ["Environment", typeof environment === "string" ? said(environment, { name: true }) : nothing("none named")],
    ["Cost", cost(approval.cost)],
    ["Agent", said(agent, { name: true })],
    ["Session started by", initiated_by === undefined ? nothing("not known") : said(initiated_by, { name: true })],
    ...(risk ? sessionRows(risk.session) : []),
    ...(risk ? historyRows(risk.history) : []),
    risk ? null : ["Session and history", nothing("could not be found out"), "warn"],
  ]);
}

/** @typedef {readonly [Child, Child, (string | undefined)?]} Row */

/** @param {number} amount */
export function cost(amount) {
  return amount === 0 ? "nothing" : `${amount} of the budget`;
}

/** @param {Risk["session"]} session @returns {Row[]} */
function sessionRows(session) {
  if (session === null) return [["Session", nothing("nothing is remembered of it")]];
  const { integrity, anomalies, data_classification: data, calls, refused } = session;
  const clean = integrity === "clean";
  const state = el("span", { class: `tag ${tones[integrity]}` }, icon(clean ? "check" : "alert"), integrity);
  const touched = data.flatMap((one, i) => [i === 0 ? "" : ", ", said(one, { name: true })]);
  return [
    ["Session integrity", state],
    ["Anomalies", count(anomalies, "none", "anomaly", "anomalies"), anomalies > 0 ? "warn" : undefined],
    ["Data touched", data.length > 0 ? el("span", {}, ...touched) : nothing("none that is classified")],
    ["Calls in this session", `${calls}, ${refused} of them refused`],
    ["Session", said(session.id, { name: true })],
  ];
}

/** @type {Readonly<Record<NonNullable<Risk["session"]>["integrity"], string>>} */
const tones = { clean: "good", suspect: "waiting", compromised: "bad" };

/** @param {Risk["history"]} history @returns {Row[]} */
function historyRows({ looked, approved, denied, expired, pending, same_action: same }) {
  const past = `${approved} approved, ${denied} denied, ${expired} expired, ${pending} pending`;
  const before = [`${same.approved} approved, ${same.denied} denied`];
  const last = same.last_at === null ? [] : [", last on ", moment(same.last_at)];
  const never = same.approved + same.denied === 0;
  return [
    ["Earlier approvals of this agent", looked === 0 ? "none" : `${past} (newest ${looked})`],
    [
      "The same action before",
      never ? "never decided" : el("span", {}, ...before, ...last),
      never ? "warn" : undefined,
    ],
  ];
}

/**
 * @param {number} n
 * @param {string} none
 * @param {string} one
 * @param {string} many
 */
function count(n, none, one, many) {
  return n === 0 ? none : `${n} ${n === 1 ? one : many}`;
}

/** @param {string} text */
function nothing(text) {
  return el("span", { class: "nothing" }, text);
}
