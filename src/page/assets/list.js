// @ts-check

import { el, fill, icon, said, terms } from "./dom.js";
import { linkTo } from "./entry.js";
import { cost } from "./risk.js";
import { countdown } from "./time.js";
import { approvedBy, hasEscalated } from "./words.js";

/** @typedef {import("./api.js").Approval} Approval */

/** Most that one look asks for; more than that nobody reads. */
export const mostPending = 100;
const tooMany = `Only ${mostPending} are shown, of each agent those that end first. There may be any number of others.`;

/**
 * The pending approvals as the server orders them: those that end first at the top. Entries stay where they are while they
 * are there, so that focus and place are kept.
 */
export function pendingList() {
  const heading = el("h1", { tabindex: "-1" }, "Pending approvals");
  const empty = el("p", { class: "empty" }, "Loading…");
  const items = el("ul", { class: "entries", "aria-label": "Pending approvals, those that end first at the top" });
  const more = el("p", { class: "hint", hidden: true }, tooMany);
  /** @type {Map<string, HTMLLIElement>} */
  const shown = new Map();

  return {
    element: el("div", { class: "view" }, heading, empty, items, more),
    title: "Pending approvals",
    heading,
    /** @param {readonly Approval[]} approvals */
    update(approvals) {
      empty.hidden = approvals.length > 0;
      empty.textContent = "Nothing waits for an answer. New approvals appear here by themselves.";
      more.hidden = approvals.length < mostPending;
      remove(new Set(approvals.map(({ id }) => id)));
      /** @type {Element | null} */
      let before = items.firstElementChild;
      for (const approval of approvals) {
        const known = shown.get(approval.id);
        const item = known ?? el("li", { class: "entry", "data-id": approval.id });
        shown.set(approval.id, item);
        if (!known) item.append(el("h2", {}, linkTo(approval)), el("div"));
        fill(/** @type {Element} */ (item.lastElementChild), facts(approval));
        if (item === before) before = before.nextElementSibling;
        else items.insertBefore(item, before);
      }
    },
  };

  /** @param {Set<string>} stay */
  function remove(stay) {
    for (const [id, item] of shown) {
      if (stay.has(id)) continue;
      const focused = item.contains(document.activeElement);
      item.remove();
      shown.delete(id);
      if (focused) heading.focus();
    }
  }
}

/** @param {Approval} approval */
function facts(approval) {
  const { agent, initiated_by } = approval.requested_by;
  const rules = [...new Set(approval.violations.map(({ rule }) => rule))];
  const asking = rules.length > 0 ? rules : [approval.reason];
  const { escalation } = approval;
  return terms(
    [
      ["Time left", countdown(approval.expires_at)],
      ["Agent", said(agent, { name: true })],
      ["Started by", initiated_by === undefined ? unknown() : said(initiated_by, { name: true })],
      ["Asked by rule", el("span", {}, ...asking.flatMap((rule, i) => [i ? ", " : "", said(rule, { name: true })]))],
      ["Cost", cost(approval.cost)],
      ["Approved by", `${approvedBy(approval)} of ${approval.quorum}`],
      escalation && hasEscalated(approval)
        ? ["Escalated to", el("span", { class: "tag waiting" }, icon("up"), groups(escalation.to))]
        : null,
    ],
    "terms facts",
  );
}

function unknown() {
  return el("span", { class: "nothing" }, "not known");
}

/** Names of groups. @param {readonly string[]} names */
export function groups(names) {
  return el("span", {}, ...names.flatMap((name, i) => [i ? ", " : "", said(name, { name: true })]));
}
