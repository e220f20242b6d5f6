// @ts-check
import * as api from "./api.js";
import { decidedList } from "./decided.js";
import { detailView } from "./detail.js";
import { el, fill, said } from "./dom.js";
import { pendingFeed } from "./feed.js";
import { announce, byId, isFresh, isStale, navigation, titled } from "./frame.js";
import { pendingList } from "./list.js";
import { polling } from "./poll.js";
import { isOurs, routeOf } from "./route.js";
import { signInView } from "./signin.js";
import { tickAll } from "./time.js";

/** @typedef {import("./api.js").Approval} Approval */
/** @typedef {import("./api.js").Session} Session */
/** @typedef {import("./route.js").Route} Route */
/** @typedef {{ element: HTMLElement, heading: HTMLElement, title: string, refresh?: () => Promise<void> }} View */

const main = byId("main");
const personBox = byId("person");

/** @type {Session | null} */
let session = null;
/** @type {View | null} */
let view = null;
/** @type {ReturnType<typeof pendingList> | null} */
let list = null;
/** @type {ReturnType<typeof pendingFeed> | null} */
let feed = null;
/** `null` until they are known. @type {readonly Approval[] | null} */
let pending = null;
/** True when somebody else may have signed in meanwhile, in another tab. */
let unsure = false;
/** When everything on the page was last known to be true; milliseconds. */
let trueAt = Date.now();

const poll = polling({ task, done, failed });

async function task() {
  if (session === null || unsure) await look();
  const [first, second] = await Promise.allSettled([feed?.refresh(), view?.refresh?.()]);
  for (const result of [first, second]) if (result.status === "rejected") throw result.reason;
}

/** Finds out who is signed in. */
async function look() {
  const fresh = await api.session();
  unsure = false;
  const same = session !== null && session.person?.id === fresh.person?.id && session.csrf === fresh.csrf;
  if (!same) begin(fresh, "");
}

function done() {
  trueAt = Date.now();
  isFresh();
  framed();
}

/** @param {unknown} error */
async function failed(error) {
  const ended = error instanceof api.Refused && error.status === 401 && session !== null;
  if (ended) {
    const fresh = await api.session().catch(() => null);
    if (fresh) begin(fresh, session?.person || session?.link ? "Your session has ended. Sign in again to go on." : "");
    return;
  }
  const why =
    error instanceof api.Unreachable ? "The server cannot be reached." : "The server cannot answer at the moment.";
  isStale(why, trueAt);
  if (session === null) byId("loading").hidden = true;
}

/** @param {Session} fresh @param {string} reason why a sign-in may be needed now */
function begin(fresh, reason) {
  session = fresh;
  pending = null;
  feed = maySee(fresh) ? pendingFeed({ changed: pendingChanged, announce }) : null;
  signedInAs(fresh);
  open(reason);
}

/** Shows what the address says. @param {string} [reason] */
function open(reason = "") {
  if (session === null) return;
  const route = routeOf(location);
  list = null;
  view = viewOf(session, route, reason);
  main.replaceChildren(view.element);
  framed();
}

/** @param {Session} known @param {Route} route @param {string} reason @returns {View} */
function viewOf(known, route, reason) {
  const { person, link } = known;
  if (person === null) {
    if (route.kind === "one" && link?.approval_id === route.id) return byLink(route.id);
    return signInView(known, { reason, signedIn: signedIn });
  }
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

/** @param {Session} fresh */
function signedIn(fresh) {
  begin(fresh, "");
  view?.heading.focus();
  poll.now();
}

/** @param {Session} known */
function signedInAs({ person, link }) {
  personBox.hidden = person === null && link === null;
  if (person !== null) {
    const out = el("button", { type: "button", class: "quiet" }, "Sign out");
    out.addEventListener("click", () => void signOut());
    fill(
      personBox,
      el("span", { class: "who" }, el("span", { class: "unseen" }, "Signed in as "), said(person.id, { name: true })),
      out,
    );
  } else if (link !== null) {
    const into = el("button", { type: "button", class: "quiet" }, "Sign in");
    into.addEventListener("click", askToSignIn);
    fill(personBox, into);
  }
}

/** For who came by a link and wants to answer. */
function askToSignIn() {
  if (session === null) return;
  view = signInView(session, { reason: "", signedIn: signedIn });
  main.replaceChildren(view.element);
  framed();
  view.heading.focus();
}

async function signOut() {
  try {
    await api.signOut();
    begin(await api.session(), "");
    announce("You have signed out.");
    view?.heading.focus();
  } catch (error) {
    await failed(error);
  }
}

/** @param {readonly Approval[]} fresh */
function pendingChanged(fresh) {
  pending = fresh;
  list?.update(fresh);
  framed();
}

/** @param {Approval} approval */
function answered(approval) {
  feed?.answered(approval);
  if (approval.status !== "pending") pendingChanged((pending ?? []).filter(({ id }) => id !== approval.id));
  framed();
  poll.now();
}

/** Brings everything around the view up to date. */
function framed() {
  const count = pending?.length ?? 0;
  navigation(session !== null && maySee(session) ? routeOf(location) : null, count);
  titled(view?.title ?? "Approvals", count);
}

/** @param {Session} known */
function maySee({ person }) {
  return person?.access.some((held) => ["approver", "auditor", "admin"].includes(held)) ?? false;
}

/** Links of ours change the view and load nothing anew, so that comments and the session stay. @param {MouseEvent} event */
function follow(event) {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const special =
    event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!link || special) return;
  if (link.id === "skip") {
    event.preventDefault();
    main.focus();
  } else if (isOurs(new URL(link.href))) {
    event.preventDefault();
    history.pushState(null, "", link.href);
    moved();
  }
}

/** After the address has changed. */
function moved() {
  open();
  scrollTo(0, 0);
  view?.heading.focus({ preventScroll: true });
  if (pending !== null) list?.update(pending);
  poll.now();
}

document.addEventListener("click", follow);
document.addEventListener("visibilitychange", () => {
  unsure = true;
});
addEventListener("popstate", moved);
setInterval(tickAll, 1000);
poll.now();
