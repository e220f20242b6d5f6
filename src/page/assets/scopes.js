// @ts-check
import { el, fill, said, terms } from "./dom.js";
import { scopes } from "./evidence.js";
import { counted } from "./numbers.js";
import { decisionsAt } from "./places.js";
import { moment } from "./time.js";
import { tag } from "./verdicts.js";

/** @typedef {import("./evidence.js").AgentScopes} AgentScopes */
/** @typedef {import("./evidence.js").Use} Use */

/** Milliseconds between two looks: records of a long time are read for each. */
const every = 60_000;

/** What agents were granted, beside what they used. */
export function scopesView() {
  const heading = el("h1", { tabindex: "-1" }, "Scopes");
  const about = el("p", { class: "hint" }, "What each agent was granted, and what it used of that.");
  const empty = el("p", { class: "empty" }, "Loading…");
  const items = el("ul", { class: "entries", "aria-label": "Agents" });
  let due = 0;
  return {
    element: el("div", { class: "view wide" }, heading, about, empty, items),
    heading,
    title: "Scopes",
    async refresh() {
      if (performance.now() < due) return;
      const { from, to, agents } = await scopes();
      due = performance.now() + every;
      fill(
        about,
        "What each agent was granted, and what it used of that",
        ...(from === null ? [] : [", from ", moment(from)]),
        ...(to === null ? [] : [" to ", moment(to)]),
        ".",
      );
      empty.hidden = agents.length > 0;
      empty.textContent = "No agent has records or scopes.";
      fill(items, ...agents.map(entry));
    },
  };
}

/** @param {AgentScopes} agent */
function entry({ agent_id, registered, granted, used, unused, narrower, exceeded }) {
  return el(
    "li",
    { class: "entry" },
    el(
      "div",
      { class: "entry-head" },
      el("h2", {}, el("a", { href: decisionsAt({ agent_id }) }, said(agent_id, { name: true }))),
      el(
        "span",
        { class: "tags" },
        !registered && tag("Not registered", "waiting", "alert"),
        exceeded.length > 0 && tag("Went beyond", "bad", "cross"),
        unused.length > 0 && tag(`${counted(unused.length, "scope", "scopes")} unused`, "waiting", "clock"),
        registered && exceeded.length + unused.length === 0 && tag("Uses what it has", "good", "check"),
      ),
    ),
    terms([
      ["Granted", list(granted.map((scope) => [scope, ""]))],
      ["Used", list(used.map(use))],
      ["Never used", list(unused.map((scope) => [scope, ""])), unused.length > 0 ? "warn" : undefined],
      ["Would be enough", list(narrower.map((one) => [typeof one === "string" ? one : JSON.stringify(one), ""]))],
      ["Refused as outside", list(exceeded.map(use)), exceeded.length > 0 ? "warn" : undefined],
    ]),
  );
}

/** @param {Use} use @returns {readonly [string, import("./dom.js").Child]} */
function use({ scope, count, last }) {
  const times = ` ${counted(count, "time", "times")}`;
  return [scope, last === undefined ? times : el("span", {}, `${times}, last on `, moment(last))];
}

/** @param {readonly (readonly [scope: string, after: import("./dom.js").Child])[]} scopes */
function list(scopes) {
  if (scopes.length === 0) return el("span", { class: "nothing" }, "none");
  return el(
    "ul",
    { class: "scopes" },
    ...scopes.map(([scope, after]) => el("li", {}, el("code", {}, said(scope, { name: true })), after)),
  );
}
