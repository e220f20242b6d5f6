// @ts-check
import * as api from "./api.js";
import { el, fill, said } from "./dom.js";
import { answers, linkTo, outcome } from "./entry.js";
import { moment } from "./time.js";

/** @typedef {import("./api.js").Approval} Approval */

const most = 50;
/** Milliseconds between two looks: decided ones seldom change. */
const every = 6_000;

/** The approvals that were decided last, with a way to those that can still be revoked. */
export function decidedList() {
  const heading = el("h1", { tabindex: "-1" }, "Decided");
  const empty = el("p", { class: "empty" }, "Loading…");
  const items = el("ul", { class: "entries", "aria-label": `The ${most} that were decided last, newest first` });
  let due = 0;

  return {
    element: el("div", { class: "view" }, heading, empty, items),
    title: "Decided",
    heading,
    async refresh() {
      if (performance.now() < due) return;
      const statuses = ["approved", "consumed", "denied", "expired"];
      const lists = await Promise.all(statuses.map((status) => api.list(status, most)));
      due = performance.now() + every;
      const newest = lists.flat().sort((a, b) => (endOf(a) < endOf(b) ? 1 : -1));
      update(newest.slice(0, most));
    },
  };

  /** @param {Approval[]} approvals */
  function update(approvals) {
    empty.hidden = approvals.length > 0;
    empty.textContent = "Nothing was decided yet.";
    const focused = document.activeElement?.getAttribute("data-id") ?? null;
    fill(items, ...approvals.map(item));
    const again = [...items.querySelectorAll("a")].find((link) => link.getAttribute("data-id") === focused);
    if (focused !== null) again?.focus({ preventScroll: true });
  }
}

/** @param {Approval} approval */
function item(approval) {
  return el(
    "li",
    { class: "entry" },
    el("div", { class: "entry-head" }, el("h2", {}, linkTo(approval)), outcome(approval)),
    el(
      "p",
      { class: "hint" },
      "Asked for by ",
      said(approval.requested_by.agent, { name: true }),
      " on ",
      moment(approval.created_at),
    ),
    approval.decisions.length > 0 && answers(approval),
    approval.status === "approved" && el("p", { class: "hint" }, "It can be revoked until it is used: open it."),
  );
}

/** When it was over. @param {Approval} approval */
function endOf({ status, decisions, expires_at }) {
  return status === "expired" ? expires_at : (decisions.at(-1)?.at ?? expires_at);
}
