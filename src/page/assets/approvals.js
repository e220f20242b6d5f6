// @ts-check
import * as api from "./api.js";
import { decidedList } from "./decided.js";
import { detailView } from "./detail.js";
import { el, fill, icon, said } from "./dom.js";
import { pendingFeed } from "./feed.js";
import { pendingList } from "./list.js";
import { polling } from "./poll.js";
import { signInView } from "./signin.js";
import { tickAll, timeOfDay } from "./time.js";

/** @typedef {import("./api.js").Approval} Approval */
/** @typedef {import("./api.js").Session} Session */
/** @typedef {{ kind: "pending" } | { kind: "decided" } | { kind: "one", id: string }} Route */
/** @typedef {{ element: HTMLElement, heading: HTMLElement, title: string, refresh?: () => Promise<void> }} View */

const main = byId("main");
const views = byId("views");
const personBox = byId("person");
const stale = byId("stale");
const announcer = byId("announcer");

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
  if (!same) await begin(fresh, "");
}

function done() {
  trueAt = Date.now();
  fill(stale);
  titled();
}

/** @param {unknown} error */
async function failed(error) {
  const ended = error instanceof api.Refused && error.status === 401 && session !== null;
  if (ended) {
    const fresh = await api.session().catch(() => null);
    if (fresh) await begin(fresh, session?.person || session?.link ? "Your session has ended. Sign in again to go on." : "");
    return;
  }
  const why = error instanceof api.Unreachable ? "The server cannot be reached." : "The server cannot answer at the moment.";
  fill(stale, icon("alert"), el("span", {}, `${why} What you see is as of ${timeOfDay(trueAt)}. Trying again.`));
  if (session === null) byId("loading").hidden = true;
}

/** @param {Session} fresh @param {string} reason why a sign-in may be needed now */
async function begin(fresh, reason) {
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
  navigation(route);
  titled();
}

/** @param {Session} known @param {Route} route @param {string} reason @returns {View} */
function viewOf(known, route, reason) {
  const { person, link } = known;
  if (person === null) {
    if (route.kind === "one" && link?.approval_id === route.id) return byLink(route.id);
    return signInView(known, { reason, signedIn: (fresh) => void signedIn(fresh) });
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
  const why = "Your access does not cover approvals. It takes “approver” to answer them, “auditor” or “admin” to see them.";
  return { element: el("div", { class: "view" }, heading, el("p", { class: "empty" }, why)), heading, title: "No access" };
}

/** @param {Session} fresh */
async function signedIn(fresh) {
  await begin(fresh, "");
  view?.heading.focus();
  poll.now();
}

/** @param {Session} known */
function signedInAs({ person, link }) {
  personBox.hidden = person === null && link === null;
  if (person !== null) {
    const out = el("button", { type: "button", class: "quiet" }, "Sign out");
    out.addEventListener("click", () => void signOut());
    fill(personBox, el("span", { class: "who" }, el("span", { class: "unseen" }, "Signed in as "), said(person.id, { name: true })), out);
  } else if (link !== null) {
    const into = el("button", { type: "button", class: "quiet" }, "Sign in");
    into.addEventListener("click", askToSignIn);
    fill(personBox, into);
  }
}

/** For who came by a link and wants to answer. */
function askToSignIn() {
  if (session === null) return;
  view = signInView(session, { reason: "", signedIn: (fresh) => void signedIn(fresh) });
  main.replaceChildren(view.element);
  titled();
  view.heading.focus();
}

async function signOut() {
  try {
    await api.signOut();
    await begin(await api.session(), "");
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
  navigation(routeOf(location));
}

/** @param {Approval} approval */
function answered(approval) {
  feed?.answered(approval);
  if (approval.status !== "pending") pendingChanged((pending ?? []).filter(({ id }) => id !== approval.id));
  titled();
  poll.now();
}

/** @param {Route} route */
function navigation(route) {
  views.hidden = session === null || !maySee(session);
  /** @param {string} href @param {string} text @param {boolean} here @param {string} [count] */
  const tab = (href, text, here, count) =>
    el("a", { href, "aria-current": here ? "page" : null }, text, count === undefined ? "" : el("span", { class: "count" }, count));
  const many = pending?.length ? String(pending.length) : undefined;
  const links = [tab("/approvals", "Pending", route.kind === "pending", many), tab("/approvals#decided", "Decided", route.kind === "decided")];
  const [first, second] = views.children;
  // In place, or a link that has the focus would lose it.
  if (first && second) links.forEach((link, i) => update(/** @type {Element} */ (views.children[i]), link));
  else views.replaceChildren(...links);
}

/** @param {Element} here @param {HTMLElement} wanted */
function update(here, wanted) {
  fill(here, ...wanted.childNodes);
  const current = wanted.getAttribute("aria-current");
  if (current === null) here.removeAttribute("aria-current");
  else here.setAttribute("aria-current", current);
}

function titled() {
  const waiting = pending?.length ? `(${pending.length}) ` : "";
  document.title = `${waiting}${view?.title ?? "Approvals"} · Countersign`;
}

/** @param {string} text */
function announce(text) {
  announcer.textContent = text;
}

/** @param {Session} known */
function maySee({ person }) {
  return person !== null && person.access.some((held) => ["approver", "auditor", "admin"].includes(held));
}

/** @param {{ pathname: string, hash: string }} at @returns {Route} */
function routeOf({ pathname, hash }) {
  const id = /^\/approvals\/([\w-]+)$/.exec(pathname)?.[1];
  if (id !== undefined) return { kind: "one", id };
  return { kind: hash === "#decided" ? "decided" : "pending" };
}

/** Links of ours change the view and load nothing anew, so that comments and the session stay. @param {MouseEvent} event */
function follow(event) {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const special = event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!link || special) return;
  const to = new URL(link.href);
  const ours = to.origin === location.origin && (to.pathname === "/approvals" || /^\/approvals\/apr_[\w-]+$/.test(to.pathname));
  if (link.id === "skip") {
    event.preventDefault();
    main.focus();
  } else if (ours) {
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

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no #${id}`);
  return found;
}

document.addEventListener("click", follow);
document.addEventListener("visibilitychange", () => {
  unsure = true;
});
addEventListener("popstate", moved);
setInterval(tickAll, 1000);
poll.now();
