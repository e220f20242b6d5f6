// @ts-check
import * as api from "./api.js";
import { titleOf } from "./call.js";
import { mostPending } from "./list.js";
import { plain } from "./text.js";

/** @typedef {import("./api.js").Approval} Approval */

/**
 * The pending approvals, whichever view is open.
 *
 * @param {{ changed: (approvals: readonly Approval[]) => void, announce: (text: string) => void }} use
 */
export function pendingFeed({ changed, announce }) {
  /** Those that were seen before; `null` before the first look, which is no news. @type {Set<string> | null} */
  let known = null;
  /** Answered here. A look that began before the answer may still show them. @type {Set<string>} */
  const over = new Set();

  return {
    async refresh() {
      const pending = (await api.list("pending", mostPending)).filter(({ id }) => !over.has(id));
      const news = known === null ? [] : pending.filter(({ id }) => !known?.has(id));
      known = new Set(pending.map(({ id }) => id));
      changed(pending);
      const [first] = news;
      if (first && news.length === 1) {
        announce(`New approval: ${plain(titleOf(first))}, asked for by ${plain(first.requested_by.agent)}`);
      } else if (news.length > 1) announce(`${news.length} new approvals`);
    },
    /** @param {Approval} approval as it is after an answer */
    answered({ id, status }) {
      if (status !== "pending") over.add(id);
    },
  };
}
