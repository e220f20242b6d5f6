// @ts-check
import { decidedList } from "./decided.js";
import { detailView } from "./detail.js";
import { el } from "./dom.js";
import { pendingFeed } from "./feed.js";
import { announce, navigation, titled } from "./frame.js";
import { pendingList } from "./list.js";
import { isOurs, routeOf } from "./route.js";
import { shell } from "./shell.js";

/** @typedef {import("./api.js").Approval} Approval */
/** @typedef {import("./api.js").Session} Session */
/** @typedef {import("./shell.js").View} View */

/** @type {ReturnType<typeof pendingList> | null} */
let list = null;
/** @type {ReturnType<typeof pendingFeed> | null} */
let feed = null;
/** `null` until they are known. @type {readonly Approval[] | null} */
let pending = null;

const page = shell({
  viewOf,
  began(fresh) {
    pending = null;
    feed = maySee(fresh) ? pendingFeed({ changed: pendingChanged, announce }) : null;
  },
  also: () => feed?.refresh(),
  opened() {
    if (pending !== null) list?.update(pending);
  },
  framed,
  isOurs,
  signInLabel: "Approver token",
  // Also while nobody sees it: new approvals are announced.
  pace: { seen: 2_000, unseen: 15_000 },
});

/** @param {Session} known @returns {View | null} */
function viewOf(known) {
  const { person, link } = known;
  const route = routeOf(location);
  list = null;
  if (person === null) return route.kind === "one" && link?.approval_id === route.id ? byLink(route.id) : null;
  if (!maySee(known)) return noAccess();
  if (route.kind === "one") {
    const me = person.access.includes("approver") ? person.id : null;
    const why = "You may look at approvals and not answer them: that takes the access “approver”.";
    return detailView(route.id, { me, why, changed: answered });
  }
  if (route.kind === "decided") return decidedList();
  list = pendingList();
  return list;
}

/** What who has only a link may see. @param {string} id @returns {View} */
function byLink(id) {
  const why = "You see this call by a link. A link shows and does not answer: sign in to answer.";
  return detailView(id, { me: null, why, changed: answered });
}

/** @returns {View} */
function noAccess() {
  const heading = el("h1", { tabindex: "-1" }, "No access to approvals");
  const why =
    "Your access does not cover approvals. It takes “approver” to answer them, “auditor” or “admin” to see them.";
  return {
    element: el("div", { class: "view" }, heading, el("p", { class: "empty" }, why)),
    heading,
    title: "No access",
  };
}

/** @param {readonly Approval[]} fresh */
function pendingChanged(fresh) {
  pending = fresh;
  list?.update(fresh);
  page.framed();
}

/** @param {Approval} approval */
function answered(approval) {
  feed?.answered(approval);
  if (approval.status !== "pending") pendingChanged((pending ?? []).filter(({ id }) => id !== approval.id));
  page.framed();
  page.look();
}

/** @param {Session | null} session @param {View | null} view */
function framed(session, view) {
  const count = pending?.length ?? 0;
  const { kind } = routeOf(location);
  const tabs = [
    { href: "/approvals", text: "Pending", here: kind === "pending", count },
    { href: "/approvals#decided", text: "Decided", here: kind === "decided" },
    { href: "/dashboard", text: "Dashboard", here: false },
  ];
  navigation(session !== null && maySee(session) ? tabs : null);
  titled(view?.title ?? "Approvals", count);
}

/** @param {Session} known */
function maySee({ person }) {
  return person?.access.some((held) => ["approver", "auditor", "admin"].includes(held)) ?? false;
}
