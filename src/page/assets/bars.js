// @ts-check
import { el, said } from "./dom.js";
import { amount, count, counted, percent } from "./numbers.js";
import { decisionsAt } from "./places.js";
import { moment } from "./time.js";
import { tag } from "./verdicts.js";

/** @typedef {import("./evidence.js").Dashboard} Dashboard */
/** @typedef {Dashboard["agents"][number]} AgentCount */
/** @typedef {Dashboard["budgets"][number]} Budget */
/** @typedef {import("./dom.js").Child} Child */

/**
 * Agents with most calls that were blocked or would have been.
 *
 * @param {Dashboard} numbers
 * @param {boolean} linked whether their decisions may be seen
 */
export function offenders({ agents, series, step_s }, linked) {
  const from = series.at[0];
  return ranking(
    agents.map((agent) => ({
      ...agent,
      name: offender(agent, linked),
      after: ` of ${counted(agent.calls, "call", "calls")}`,
    })),
    `No agent was refused anything in the last ${from === undefined ? "hours" : hoursOf(series.at.length * step_s)}.`,
  );
}

/** @param {AgentCount} agent @param {boolean} linked */
function offender({ who, agent_id }, linked) {
  if (who === "other") return el("span", { class: "nothing" }, "all other agents");
  if (agent_id === null) return el("span", { class: "nothing" }, "callers whom nobody knows");
  const name = said(agent_id, { name: true });
  return linked ? el("a", { href: decisionsAt({ agent_id, decision: "deny" }) }, name) : name;
}

/** Rules and reasons that spoke against most calls. @param {Dashboard} numbers */
export function rules({ rules, series, step_s }) {
  return ranking(
    rules.map(({ rule, ...counts }) => ({
      ...counts,
      name:
        rule === null
          ? el("span", { class: "nothing" }, "all other rules")
          : el("code", {}, said(rule, { name: true })),
      after: "",
    })),
    `No rule spoke against a call in the last ${hoursOf(series.at.length * step_s)}.`,
  );
}

/** @param {number} seconds */
export function hoursOf(seconds) {
  return seconds === 3_600 ? "hour" : `${seconds / 3_600} hours`;
}

/**
 * @param {readonly { name: Child, blocked: number, would_block: number, after: string }[]} rows
 * @param {string} none
 */
function ranking(rows, none) {
  if (rows.length === 0) return el("p", { class: "none" }, none);
  const most = Math.max(...rows.map(({ blocked, would_block }) => blocked + would_block));
  return el(
    "ol",
    { class: "ranking" },
    ...rows.map(({ name, blocked, would_block, after }) => {
      const words = [blocked > 0 && `${count(blocked)} blocked`, would_block > 0 && `${count(would_block)} would be`];
      return el(
        "li",
        {},
        el("span", { class: "rank-name" }, name),
        el("span", { class: "rank-count" }, `${words.filter(Boolean).join(", ")}${after}`),
        bar([
          ["deny", blocked / most],
          ["shadow", would_block / most],
        ]),
      );
    }),
  );
}

/** Says nothing that the words beside it do not say. @param {readonly (readonly [className: string, share: number])[]} parts */
function bar(parts) {
  const made = el("span", { class: "meter", "aria-hidden": "true" });
  for (const [className, share] of parts) {
    const part = el("span", { class: className });
    part.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(2)}%`;
    if (share > 0) made.append(part);
  }
  return made;
}

/** How much of the day's budgets is used, and will be. @param {Dashboard} numbers */
export function budgets({ budgets, budgets_unknown, budgets_left }) {
  const unknown =
    budgets_unknown > 0 &&
    `Of ${counted(budgets_unknown, "agent", "agents")} it is not known now: the store does not answer.`;
  const left =
    budgets_left > 0 &&
    `${counted(budgets_left, "further agent has", "further agents have")} a budget and are not looked at: too many called.`;
  const none = budgets.length === 0 && !unknown && "No agent that called in the last 24 hours has a budget of the day.";
  return el(
    "div",
    {},
    none && el("p", { class: "none" }, none),
    budgets.length > 0 && el("ol", { class: "ranking long" }, ...budgets.map(budget)),
    unknown && el("p", { class: "none" }, unknown),
    left && el("p", { class: "none" }, left),
  );
}

/** @param {Budget} budget */
function budget({ agent_id, mode, used, of, share, projected_share, exhausted_at }) {
  const further = Math.max(0, Math.min(1, projected_share) - Math.min(1, share));
  const over = share >= 1;
  return el(
    "li",
    {},
    el(
      "span",
      { class: "rank-name" },
      said(agent_id, { name: true }),
      mode === "shadow" && " (shadow: refuses nobody)",
    ),
    el(
      "span",
      { class: "rank-count" },
      `${amount(used)} of ${amount(of)} used (${percent(share)}); ${percent(projected_share)} by the end of the day at this rate`,
    ),
    bar([
      [over ? "deny" : "used", share],
      ["projected", further],
    ]),
    over && tag("Used up", "bad", "alert"),
    !over && exhausted_at !== null && el("span", { class: "tag waiting" }, "Used up on ", moment(exhausted_at)),
  );
}
