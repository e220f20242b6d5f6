// @ts-check
import * as api from "./api.js";
import { el, fill, said } from "./dom.js";
import { announce, byId, isBusy, isFresh, isStale } from "./frame.js";
import { polling } from "./poll.js";
import { signInView } from "./signin.js";
import { tickAll } from "./time.js";

/** @typedef {import("./api.js").Session} Session */
/** @typedef {{ element: HTMLElement, heading: HTMLElement, title: string, refresh?: () => Promise<void> }} View */

/**
 * What a page adds to what all have. `viewOf`: the view that the address says, for somebody who has signed in; `null` =
 * they have to. `began`: somebody else looks, or nobody. `also`: what is looked at whichever view is open. `framed`: brings
 * everything around the view up to date. `isOurs`: true for the address of a view of this page. `signInLabel`: what the
 * token is called. `pace`: milliseconds between two looks.
 *
 * @typedef {object} Own
 * @property {(session: Session) => View | null} viewOf
 * @property {(session: Session) => void} [began]
 * @property {() => Promise<void> | undefined} [also]
 * @property {(session: Session | null, view: View | null) => void} framed
 * @property {(to: URL) => boolean} isOurs
 * @property {(view: View) => void} [opened]
 * @property {string} signInLabel
 * @property {import("./poll.js").Pace} pace
 */

/**
 * Who has signed in, the view that the address says, and the looks that keep it true.
 *
 * @param {Own} own
 */
export function shell(own) {
  const main = byId("main");
  const personBox = byId("person");
  /** @type {Session | null} */
  let session = null;
  /** @type {View | null} */
  let view = null;
  /** True when somebody else may have signed in meanwhile, in another tab. */
  let unsure = false;
  /** When everything on the page was last known to be true; milliseconds. */
  let trueAt = Date.now();
  /** True when a search had no turn; everything else is up to date. */
  let busy = false;

  const poll = polling({ task, done, failed, pace: own.pace });

  document.addEventListener("click", follow);
  document.addEventListener("visibilitychange", () => {
    unsure = true;
  });
  addEventListener("popstate", moved);
  setInterval(tickAll, 1000);
  poll.now();

  return {
    /** Looks at everything now. */
    look: poll.now,
    framed,
    /** Shows an address of this page. @param {string} href */
    go(href) {
      history.pushState(null, "", href);
      moved();
    },
  };

  async function task() {
    if (session === null || unsure) await look();
    const looked = view;
    const [first, second] = await Promise.allSettled([own.also?.(), view?.refresh?.()]);
    // What a view that was left could not find out is no news.
    const results = looked === view ? [first, second] : [first];
    const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    const trouble = reasons.filter((reason) => !(reason instanceof api.Refused && reason.isBusy));
    if (trouble.length > 0) throw trouble[0];
    busy = reasons.length > 0;
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
    if (busy) isBusy();
    else isFresh();
    framed();
  }

  /** @param {unknown} error */
  async function failed(error) {
    const ended = error instanceof api.Refused && error.status === 401 && session !== null;
    if (ended) {
      const fresh = await api.session().catch(() => null);
      if (fresh) {
        begin(fresh, session?.person || session?.link ? "Your session has ended. Sign in again to go on." : "");
      }
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
    own.began?.(fresh);
    signedInAs(fresh);
    open(reason);
  }

  /** Shows what the address says. @param {string} [reason] */
  function open(reason = "") {
    if (session === null) return;
    show(own.viewOf(session) ?? signIn(session, reason));
  }

  /** @param {View} next */
  function show(next) {
    view = next;
    main.replaceChildren(next.element);
    own.opened?.(next);
    framed();
  }

  /** @param {Session} known @param {string} reason */
  function signIn(known, reason) {
    return signInView(known, { reason, signedIn, label: own.signInLabel });
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
    show(signIn(session, ""));
    view?.heading.focus();
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

  function framed() {
    own.framed(session, view);
  }

  /** Links of ours change the view and load nothing anew, so that what was begun stays. @param {MouseEvent} event */
  function follow(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const special =
      event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (!link || special) return;
    if (link.id === "skip") {
      event.preventDefault();
      main.focus();
    } else if (own.isOurs(new URL(link.href))) {
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
    poll.now();
  }
}
