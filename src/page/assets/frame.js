// @ts-check
import { el, fill, icon } from "./dom.js";
import { timeOfDay } from "./time.js";

/** @typedef {{ href: string, text: string, here: boolean, count?: number }} Tab */

const views = byId("views");
const stale = byId("stale");
const announcer = byId("announcer");

/**
 * The ways to the views.
 *
 * @param {readonly Tab[] | null} tabs the same ones each time; `null` = there is no way for who looks
 */
export function navigation(tabs) {
  views.hidden = tabs === null;
  if (tabs === null) return;
  const links = tabs.map(tab);
  if (views.children.length === 0) views.append(...links);
  links.forEach((link, i) => {
    const here = views.children[i];
    if (here) update(here, link);
  });
}

/** @param {Tab} tab */
function tab({ href, text, here, count = 0 }) {
  const number = count > 0 && el("span", { class: "count" }, String(count));
  return el("a", { href, "aria-current": here && "page" }, text, number);
}

/** In place, or a link that has the focus would lose it. @param {Element} here @param {HTMLElement} wanted */
function update(here, wanted) {
  fill(here, ...wanted.childNodes);
  const current = wanted.getAttribute("aria-current");
  if (current === null) here.removeAttribute("aria-current");
  else here.setAttribute("aria-current", current);
}

/** @param {string} title @param {number} count of what is pending */
export function titled(title, count) {
  document.title = `${count > 0 ? `(${count}) ` : ""}${title} · Countersign`;
}

/** Said by screen readers, seen by nobody. @param {string} text */
export function announce(text) {
  announcer.textContent = text;
}

/** What is seen is up to date. */
export function isFresh() {
  fill(stale);
}

/** Everything is well, and others search at the moment. */
export function isBusy() {
  fill(stale, icon("clock"), el("span", {}, "Others are searching the records. Your search follows in a moment."));
}

/** @param {string} why @param {number} since milliseconds; when it was up to date */
export function isStale(why, since) {
  fill(stale, icon("alert"), el("span", {}, `${why} What you see is as of ${timeOfDay(since)}. Trying again.`));
}

/** @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no #${id}`);
  return found;
}
