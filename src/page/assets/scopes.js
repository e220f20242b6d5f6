// @ts-check
import { el, fill, said } from "./dom.js";
import { scopes } from "./evidence.js";
import { counted } from "./numbers.js";
import { decisionsAt } from "./places.js";
import { moment } from "./time.js";
import { tag } from "./verdicts.js";

/** @typedef {import("./evidence.js").AgentScopes} AgentScopes */
/** @typedef {AgentScopes["grants"][number]} Grant */
/** @typedef {AgentScopes["used"][number]} Use */
/** @typedef {import("./dom.js").Child} Child */

/** Milliseconds between two looks: records of a long time are read for each. */
const every = 300_000;

/** What agents were granted, beside what they used. */
export function scopesView() {
  const heading = el("h1", { tabindex: "-1" }, "Scopes");
  const what = "What each agent was granted, and what it used of that";
  const about = el("p", { class: "hint" }, `${what}.`);
  const empty = el("p", { class: "empty" }, "Loading…");
  const items = el("ul", { class: "entries", "aria-label": "Agents" });
  let due = 0;
  return {
    element: el("div", { class: "view wide" }, heading, about, empty, items),
    heading,
    title: "Scopes",
    async refresh() {
      if (performance.now() < due) return;
      const { covered, agents, unreadable } = await scopes();
      due = performance.now() + every;
      const { from, to, complete } = covered;
      fill(
        about,
        what,
        ...(from === null ? [] : [", from ", moment(from)]),
        ...(to === null ? [] : [" to ", moment(to)]),
        complete ? "." : ". Older records are too many to be read here: ask the command line.",
        unreadable.length > 0 && " Some records cannot be read and are missing here: verify the audit trail.",
      );
      empty.hidden = agents.length > 0;
      empty.textContent = "No agent has records or scopes.";
      fill(items, ...agents.map(entry));
    },
  };
}

/** @param {AgentScopes} agent */
function entry({ agent_id, registered, disabled, roles, grants, token_scopes, used, exceeded, cut }) {
  const unused = grants.filter(({ calls }) => calls === 0);
  const wide = grants.filter(({ calls, enough }) => calls > 0 && enough !== null);
  const granted = new Set(grants.map(({ scope }) => scope));
  const others = token_scopes.filter(({ scope }) => !granted.has(scope));
  return el(
    "li",
    { class: "entry agent-scopes" },
    el(
      "div",
      { class: "entry-head" },
      el(
        "h2",
        {},
        el("a", { href: decisionsAt({ agent_id }) }, said(agent_id, { name: true })),
        roles.length > 0 && el("span", { class: "roles" }, said(roles.join(", "), { name: true })),
      ),
      el(
        "span",
        { class: "tags" },
        !registered && tag("Not registered", "waiting", "alert"),
        disabled && tag("Disabled", "waiting", "clock"),
        exceeded.length > 0 && tag("Went beyond", "bad", "cross"),
        wide.length > 0 && tag(`${wide.length} too wide`, "waiting", "alert"),
        unused.length > 0 && tag(`${unused.length} never used`, "waiting", "clock"),
        registered && exceeded.length + unused.length + wide.length === 0 && tag("Uses what it has", "good", "check"),
      ),
    ),
    el(
      "div",
      { class: "scope-parts" },
      part("Granted", grants.map(grant), registered ? "no scopes" : "nothing any more"),
      others.length > 0 && part("In its tokens, and not granted now", others.map(grant), ""),
      part("Used", used.map(use), "nothing was let through"),
      exceeded.length > 0 && part("Refused as outside its scopes", exceeded.map(use), "", "beyond"),
    ),
    cut && el("p", { class: "hint" }, "There was more than is told apart here."),
  );
}

/** @param {string} title @param {readonly HTMLElement[]} rows @param {string} none @param {string} [className] */
function part(title, rows, none, className = "") {
  return el(
    "section",
    { class: `scope-part ${className}` },
    el("h3", {}, title),
    rows.length > 0 ? el("ul", { class: "scopes" }, ...rows) : el("p", { class: "nothing" }, none),
  );
}

/** @param {Grant} grant */
function grant({ scope, calls, last, enough }) {
  return el(
    "li",
    { class: calls === 0 ? "unused" : undefined },
    named(scope),
    el("span", { class: "times" }, calls === 0 ? "never used" : times(calls, last)),
    calls > 0 &&
      enough !== null &&
      el("span", { class: "enough" }, "would be enough: ", ...enough.flatMap((one, i) => [i > 0 && ", ", named(one)])),
  );
}

/** @param {Use} use */
function use({ tool, action, calls, last }) {
  const what =
    tool === null && action === null
      ? el("span", { class: "nothing" }, "counted together")
      : named(`${tool ?? "unknown"}:${action ?? "unknown"}`);
  return el("li", {}, what, el("span", { class: "times" }, times(calls, last)));
}

/** @param {string} scope */
function named(scope) {
  return el("code", {}, said(scope, { name: true }));
}

/** @param {number} calls @param {string | null} last */
function times(calls, last) {
  const said = counted(calls, "call", "calls");
  return last === null ? said : el("span", {}, `${said}, last on `, moment(last));
}
