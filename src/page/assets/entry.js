// @ts-check
import { nameOf } from "./call.js";
import { el, icon, said } from "./dom.js";
import { moment } from "./time.js";
import { outcomeOf, pastOf } from "./words.js";

/** @typedef {import("./api.js").Approval} Approval */

/** Address of the page of one approval. @param {string} id */
export function addressOf(id) {
  return `/approvals/${encodeURIComponent(id)}`;
}

/** Tool, action and environment, as they are written everywhere. @param {Approval} approval */
export function heading(approval) {
  const { tool, action, environment } = nameOf(approval);
  return el(
    "span",
    { class: "what" },
    tool === null ? el("span", { class: "nothing" }, "unknown tool") : said(tool, { name: true }),
    action === null ? "" : " ",
    action === null ? "" : el("b", {}, said(action, { name: true })),
    environment === null ? "" : " in ",
    environment === null ? "" : said(environment, { name: true }),
  );
}

/** A link to the approval, named by its call. @param {Approval} approval */
export function linkTo(approval) {
  return el("a", { href: addressOf(approval.id), "data-id": approval.id }, heading(approval));
}

/** What became of it: sign, word and colour. @param {Approval} approval */
export function outcome(approval) {
  const { text, tone, icon: sign } = outcomeOf(approval);
  return el("span", { class: `tag ${tone}` }, icon(sign), text);
}

/** Answers so far, oldest first. @param {Approval} approval */
export function answers({ decisions }) {
  return el(
    "ol",
    { class: "answers" },
    ...decisions.map(({ approver, decision, comment, at }) =>
      el(
        "li",
        {},
        el("span", { class: "who" }, said(approver, { name: true })),
        ` ${pastOf[decision]} it on `,
        moment(at),
        comment === undefined
          ? ""
          : el("p", { class: "comment" }, el("span", { class: "unseen" }, "Comment: "), said(comment)),
      ),
    ),
  );
}
