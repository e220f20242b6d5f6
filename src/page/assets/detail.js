// @ts-check
import { answerForm } from "./answer.js";
import * as api from "./api.js";
import { callSections, titleOf } from "./call.js";
import { el, fill, icon, terms } from "./dom.js";
import { answers, heading as headingOf, outcome } from "./entry.js";
import { groups } from "./list.js";
import { circumstances, reasons } from "./risk.js";
import { plain } from "./text.js";
import { countdown, moment } from "./time.js";
import { approvedBy, hasEscalated, whoMayAnswer } from "./words.js";

/** @typedef {import("./api.js").Approval} Approval */

/** Milliseconds between two looks, by status: what is over changes no more. @type {Readonly<Record<Approval["status"], number>>} */
const every = { pending: 0, approved: 3_000, denied: 30_000, expired: 30_000, consumed: 30_000 };

/**
 * One approval: why people are asked first, then the whole call, and beside them the answer.
 *
 * @param {string} id
 * @param {{ me: string | null, why: string, changed: (approval: Approval) => void }} use `me`: who answers; `null` = may not
 *   answer, and `why` says why not.
 */
export function detailView(id, { me, why, changed }) {
  const heading = el("h1", { tabindex: "-1" }, "Approval");
  const state = el("p", { class: "state" });
  const asked = el("div");
  const around = el("div");
  const call = el("div", { class: "call" });
  const standing = el("div");
  const answered = el("div");
  const place = el("div", { class: "answer-place" });
  const gone = el("p", { class: "empty" }, "Loading…");
  const body = el(
    "div",
    { class: "detail", hidden: true },
    section("asked", "Why you are asked", asked),
    section("around", "Who asks, and from where", around),
    section("call", "Exactly this call", call),
    el(
      "aside",
      { class: "panel", "aria-labelledby": "answer-title" },
      el("h2", { id: "answer-title" }, "Answer"),
      standing,
      answered,
      place,
    ),
  );
  /** @type {ReturnType<typeof answerForm> | null} */
  let form = null;
  let version = 0;
  let due = 0;
  const view = {
    element: el(
      "div",
      { class: "view" },
      el("p", { class: "back" }, el("a", { href: "/approvals" }, icon("back"), "All approvals")),
      heading,
      state,
      gone,
      body,
    ),
    title: "Approval",
    heading,
    async refresh() {
      if (performance.now() < due) return;
      const asking = version;
      try {
        const fresh = await api.show(id);
        // An answer that was given meanwhile is newer than this.
        if (asking === version) update(fresh);
      } catch (error) {
        if (!(error instanceof api.Refused) || (error.status !== 404 && error.status !== 403)) throw error;
        body.hidden = true;
        gone.hidden = false;
        gone.textContent = error.status === 404 ? "There is no such approval." : "You may not see this approval.";
        due = performance.now() + 30_000;
      }
    },
  };
  return view;

  /** @param {Approval} approval */
  function update(approval) {
    version += 1;
    due = performance.now() + every[approval.status];
    if (call.childElementCount === 0) {
      fill(heading, headingOf(approval));
      call.append(...callSections(approval));
      view.title = plain(titleOf(approval));
    }
    fill(state, outcome(approval), approval.status === "pending" ? countdown(approval.expires_at) : "");
    fill(asked, reasons(approval));
    fill(around, circumstances(approval));
    fill(standing, standingOf(approval));
    fill(answered, approval.decisions.length > 0 ? answers(approval) : "");
    if (me !== null && form === null) {
      form = answerForm(approval, { me, taken });
      place.append(form.element);
    }
    form?.update(approval);
    if (me === null) fill(place, el("p", { class: "hint" }, why));
    gone.hidden = true;
    body.hidden = false;
  }

  /** @param {Approval} approval */
  function taken(approval) {
    update(approval);
    due = 0;
    changed(approval);
  }
}

/**
 * @param {string} id
 * @param {string} title
 * @param {HTMLElement} content
 */
function section(id, title, content) {
  return el(
    "section",
    { class: "card", "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title),
    content,
  );
}

/** @param {Approval} approval */
function standingOf(approval) {
  const { escalation, quorum } = approval;
  const pending = approval.status === "pending";
  return terms([
    ["Approved by", `${approvedBy(approval)} of ${quorum} ${quorum === 1 ? "person" : "people"}`],
    pending ? ["May answer", whoMayAnswer(approval)] : null,
    pending && escalation
      ? [
          "Escalation",
          el(
            "span",
            {},
            hasEscalated(approval) ? "went to " : "goes to ",
            groups(escalation.to),
            " on ",
            moment(escalation.at),
          ),
        ]
      : null,
    ["Asked for on", moment(approval.created_at)],
    ["Ends on", moment(approval.expires_at)],
  ]);
}
