// @ts-check
import { Refused } from "./api.js";
import { json } from "./call.js";
import { el, fill, icon, said, terms } from "./dom.js";
import { deployment } from "./evidence.js";
import { decisionAt, decisionsAt } from "./places.js";
import { moment } from "./time.js";
import { tag } from "./verdicts.js";

/** @typedef {import("./evidence.js").Answer} Answer */
/** @typedef {import("./evidence.js").Deployment} Deployment */

const every = 10_000;

/** @type {Readonly<Record<string, string>>} */
const questions = {
  what_was_deployed: "What was deployed?",
  who_authorised_it: "Who authorised it?",
  was_it_within_policy: "Was it within policy?",
  did_the_agent_behave_normally: "Did the agent behave normally?",
  did_it_touch_sensitive_data: "Did it touch sensitive data?",
};

/** One deployment: the five questions, their answers, and the records that prove them. @param {string} id */
export function deploymentView(id) {
  const heading = el("h1", { tabindex: "-1" }, "Deployment ", said(id, { name: true }));
  const about = el("p", { class: "hint" });
  const gone = el("p", { class: "empty" }, "Loading…");
  const body = el("div", { class: "sections" });
  let due = 0;
  return {
    element: el(
      "div",
      { class: "view wide" },
      el("p", { class: "back" }, el("a", { href: decisionsAt({ deployment_id: id }) }, icon("back"), "Its decisions")),
      heading,
      about,
      gone,
      body,
    ),
    heading,
    title: "Deployment",
    async refresh() {
      if (performance.now() < due) return;
      due = performance.now() + every;
      try {
        const found = await deployment(id);
        gone.hidden = true;
        fill(
          about,
          "Signatures of the records: ",
          signatures(found),
          ". Chains are verified by ",
          el("code", {}, "countersign audit verify"),
          ".",
        );
        fill(body, ...found.answers.map(answer));
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 404) {
          due = 0;
          throw error;
        }
        gone.textContent = "No record tells of such a deployment.";
      }
    },
  };
}

/** @param {Deployment} found */
function signatures({ signatures }) {
  return typeof signatures === "string" ? said(signatures, { name: true }) : json(signatures);
}

/** @param {Answer} answered */
function answer({ question, status, summary, details, records }) {
  const rows = Object.entries(details).map(
    ([name, value]) => /** @type {const} */ ([said(name.replace(/_/g, " "), { name: true }), json(value)]),
  );
  return el(
    "section",
    { class: "card answer-card" },
    el("h2", {}, questions[question] ?? said(question, { name: true })),
    el("p", { class: "state" }, statusTag(question, status)),
    el("p", { class: "summary" }, said(summary)),
    rows.length > 0 && el("details", {}, el("summary", {}, "What this rests on"), terms(rows)),
    records.length > 0 &&
      el(
        "details",
        {},
        el("summary", {}, `Records that prove it (${records.length})`),
        el("ul", { class: "proofs" }, ...records.map(proof)),
      ),
  );
}

/** Touching data is what nobody hopes for; all other questions are well when answered by yes. @param {string} question @param {string} status */
function statusTag(question, status) {
  const good = question === "did_it_touch_sensitive_data" ? "no" : "yes";
  if (status === good) return tag(status, "good", "check");
  return status === "yes" || status === "no"
    ? tag(status, "bad", "alert")
    : el("span", { class: "tag waiting" }, icon("clock"), said(status, { name: true }));
}

/** @param {Answer["records"][number]} record */
function proof({ writer, seq, kind, decision_id, timestamp }) {
  const name = el("span", {}, said(kind, { name: true }), ` ${seq} of `, said(writer, { name: true }));
  return el(
    "li",
    {},
    decision_id === null ? name : el("a", { href: decisionAt(decision_id) }, name),
    " on ",
    moment(timestamp),
  );
}
