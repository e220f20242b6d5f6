// @ts-check
import { Refused } from "./api.js";
import { el, fill, icon, said } from "./dom.js";
import { deployment, records } from "./evidence.js";
import { factsOf } from "./facts.js";
import { counted } from "./numbers.js";
import { decisionAt, decisionsAt } from "./places.js";
import { rowOf } from "./row.js";
import { moment } from "./time.js";
import { tag } from "./verdicts.js";

/** @typedef {import("./evidence.js").Answer} Answer */
/** @typedef {import("./evidence.js").Deployment} Deployment */
/** @typedef {import("./evidence.js").Outcome} Outcome */
/** @typedef {readonly [text: string, tone: string, sign: string]} Tag */

/** Milliseconds between two looks: records of a long time are read for each. */
const every = 60_000;
/** Records of its calls that are listed, the newest. */
const mostListed = 100;

/** @type {Readonly<Record<Answer["question"], string>>} */
const questions = {
  deployed: "What was deployed?",
  authorised: "Who authorised it?",
  within_policy: "Was it within policy?",
  normal: "Did the agent behave normally?",
  sensitive: "Did it touch sensitive data?",
};

/** @type {Readonly<Record<Answer["status"], Tag>>} */
const statuses = {
  yes: ["Yes", "good", "check"],
  partly: ["Partly", "waiting", "alert"],
  no: ["No", "bad", "cross"],
  unknown: ["Not proven", "waiting", "clock"],
};
/** Touching sensitive data is what nobody hopes for. @type {Partial<typeof statuses>} */
const touched = { yes: ["Yes", "waiting", "alert"], no: ["No", "good", "check"] };

/** @type {Readonly<Record<Deployment["signatures"], Tag>>} */
const signatures = {
  hold: ["Signatures hold", "good", "check"],
  broken: ["Signatures do not hold", "bad", "cross"],
  unchecked: ["Signatures not checked", "waiting", "clock"],
};

/** One deployment: the five questions, their answers, and the records that prove them. @param {string} id */
export function deploymentView(id) {
  const heading = el("h1", { tabindex: "-1" }, "Deployment ", said(id, { name: true }));
  const state = el("p", { class: "state" });
  const gone = el("p", { class: "empty" }, "Loading…");
  const body = el("div", { class: "answer-cards", hidden: true });
  const rows = el("ul", { class: "rows", "aria-label": "Its calls, newest first" });
  const calls = el("section", { class: "card calls", hidden: true }, el("h2", {}, "Its calls"), rows);
  const command = el("code", { class: "command" }, "countersign audit answer --deployment ", said(id, { name: true }));
  const about = el(
    "p",
    { class: "hint proof-hint", hidden: true },
    "The chain itself is verified on the command line: ",
    command,
  );
  let due = 0;
  return {
    element: el(
      "div",
      { class: "view wide" },
      el("p", { class: "back" }, el("a", { href: decisionsAt({}) }, icon("back"), "All decisions")),
      heading,
      state,
      gone,
      body,
      calls,
      about,
    ),
    heading,
    title: "Deployment",
    async refresh() {
      if (performance.now() < due) return;
      try {
        show(await deployment(id));
        showCalls((await records({ deployment_id: id, limit: String(mostListed) })).records);
        due = performance.now() + every;
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 404) throw error;
        due = performance.now() + every;
        gone.textContent = "No record tells of such a deployment.";
      }
    },
  };

  /** @param {Deployment} found */
  function show(found) {
    const { from, to, complete, unreadable, answers } = found;
    gone.hidden = true;
    body.hidden = about.hidden = false;
    fill(
      state,
      tag(...signatures[found.signatures]),
      !complete && tag("Not all records could be read", "waiting", "alert"),
      unreadable.length > 0 && tag(`${counted(unreadable.length, "line", "lines")} without a record`, "bad", "alert"),
      span(from, to),
    );
    fill(body, ...answers.map(answer));
  }

  /** @param {import("./evidence.js").Records["records"]} found */
  function showCalls(found) {
    const outcomes = new Map(
      found.flatMap((record) => (record.kind === "outcome" ? [[record.decision_id, record]] : [])),
    );
    const decisions = found.flatMap((record) => (record.kind === "decision" ? [record] : []));
    calls.hidden = decisions.length === 0;
    fill(rows, ...decisions.map((record) => rowOf(record, outcomes.get(record.decision_id))));
  }
}

/** The same minute is said once. @param {string} from @param {string} to */
function span(from, to) {
  const [first, last] = [moment(from), moment(to)];
  return el("span", {}, first, ...(first.textContent === last.textContent ? [] : [" to ", last]));
}

/** @param {Answer} answered */
function answer({ question, status, answer: sentence, facts, records: proofs }) {
  const [text, tone, sign] = (question === "sensitive" && touched[status]) || statuses[status];
  return el(
    "section",
    { class: `card answer-card ${tone}` },
    el("div", { class: "answer-head" }, el("h2", {}, questions[question]), tag(text, tone, sign)),
    el("p", { class: "summary" }, said(sentence)),
    el(
      "div",
      { class: "answer-more" },
      el("details", {}, el("summary", {}, "What this rests on"), factsOf(facts)),
      proofs.length > 0 &&
        el(
          "details",
          {},
          el("summary", {}, `Records that prove it (${proofs.length})`),
          el("ol", { class: "proofs" }, ...proofs.map(proof)),
        ),
    ),
  );
}

/** @param {Answer["records"][number]} record */
function proof({ writer, seq, kind, decision_id, timestamp, sha256 }) {
  const name = `${kind} ${seq}`;
  return el(
    "li",
    {},
    decision_id === null ? el("span", {}, name) : el("a", { href: decisionAt(decision_id) }, name),
    el("span", { class: "when" }, moment(timestamp)),
    el("code", { class: "hash", title: `sha256:${sha256}, in ${writer}` }, `sha256:${sha256.slice(0, 16)}…`),
  );
}
