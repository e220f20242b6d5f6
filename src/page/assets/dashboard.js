// @ts-check
import { decisionView } from "./decision.js";
import { decisionsView } from "./decisions.js";
import { deploymentView } from "./deployment.js";
import { el } from "./dom.js";
import { navigation, titled } from "./frame.js";
import { overview } from "./overview.js";
import { isOurs, placeOf } from "./places.js";
import { scopesView } from "./scopes.js";
import { shell } from "./shell.js";

/** @typedef {import("./api.js").Session} Session */
/** @typedef {import("./shell.js").View} View */

/** How many approvals wait, as far as it is known. */
let waiting = 0;

const page = shell({
  viewOf,
  framed,
  isOurs,
  signInLabel: "Your token",
  pace: { seen: 3_000, unseen: null },
});

/** @param {Session} known @returns {View | null} */
function viewOf({ person }) {
  if (person === null) return null;
  const has = (/** @type {string[]} */ ...wanted) => person.access.some((held) => wanted.includes(held));
  const records = has("auditor", "admin");
  const place = placeOf(location);
  if (place.kind === "overview") {
    if (!has("viewer", "approver", "auditor", "admin"))
      return noAccess("the dashboard", "viewer, approver, auditor or admin");
    return overview({ records, approvals: has("approver", "auditor", "admin"), waits: queueChanged });
  }
  if (!records) return noAccess("records", "auditor or admin");
  if (place.kind === "decision") return decisionView(place.id);
  if (place.kind === "deployment") return deploymentView(place.id);
  if (place.kind === "scopes") return scopesView();
  return decisionsView(place.filter, { go: (href) => page.go(href) });
}

/** @param {string} what @param {string} access @returns {View} */
function noAccess(what, access) {
  const heading = el("h1", { tabindex: "-1" }, `No access to ${what}`);
  const why = `Your access does not cover this. It takes ${access}.`;
  return {
    element: el("div", { class: "view" }, heading, el("p", { class: "empty" }, why)),
    heading,
    title: "No access",
  };
}

/** @param {number} count */
function queueChanged(count) {
  waiting = count;
}

/** @param {Session | null} session @param {View | null} view */
function framed(session, view) {
  const { kind } = placeOf(location);
  const tabs = [
    { href: "/dashboard", text: "Overview", here: kind === "overview" },
    { href: "/dashboard#decisions", text: "Decisions", here: ["decisions", "decision", "deployment"].includes(kind) },
    { href: "/dashboard#scopes", text: "Scopes", here: kind === "scopes" },
    { href: "/approvals", text: "Approvals", here: false, count: waiting },
  ];
  navigation(session?.person ? tabs : null);
  titled(view?.title ?? "Dashboard", 0);
}
