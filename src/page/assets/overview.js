// @ts-check
import { budgets, offenders, rules } from "./bars.js";
import { chart } from "./charts.js";
import { el, fill, icon, said } from "./dom.js";
import { numbers, records } from "./evidence.js";
import { count, counted, latency, percent } from "./numbers.js";
import { rowOf } from "./row.js";
import { duration, moment, now } from "./time.js";

/** @typedef {import("./evidence.js").Dashboard} Dashboard */
/** @typedef {import("./evidence.js").Window} Window */
/** @typedef {import("./dom.js").Child} Child */

const windows = /** @type {const} */ (["1h", "6h", "24h"]);
const mostRecent = 8;
/** What was chosen outlives the view. @type {Window} */
let chosen = "1h";

/**
 * What is going on, in numbers.
 *
 * @param {{ records: boolean, approvals: boolean, waits: (count: number) => void }} use what who looks may see beside it
 */
export function overview({ records: mayRecords, approvals: mayApprovals, waits }) {
  const heading = el("h1", { tabindex: "-1" }, "Dashboard");
  const choice = el("div", { class: "windows", role: "group", "aria-label": "How far back" });
  const about = el("p", { class: "hint" });
  const tiles = el("dl", { class: "tiles" });
  const decided = chart({
    title: "Decisions",
    about: "Calls by what was done with them.",
    stacked: true,
    text: (value) => (value === null ? "–" : count(value)),
    most: 4,
  });
  const blocked = chart({
    title: "Blocked and would block",
    about: "Their share of all calls; what would be blocked is let through, in shadow or in a dry run.",
    stacked: false,
    text: (value) => percent(value),
    most: 0.1,
  });
  const slow = chart({
    title: "How long decisions take",
    about: "Half of the decisions took no longer than p50, 90 % no longer than p90, 99 % no longer than p99.",
    stacked: false,
    text: latency,
    most: 1_000,
  });
  const [agents, rule, budget] = [el("div"), el("div"), el("div")];
  const recent = el("ul", { class: "rows", "aria-label": `The newest ${mostRecent} decisions` });
  const noRecent = el("p", { class: "none" }, mayRecords ? "Loading…" : "Records take the access auditor or admin.");
  const loading = el("p", { class: "empty" }, "Loading…");
  const body = el(
    "div",
    { hidden: true },
    tiles,
    el("div", { class: "charts" }, decided.element, blocked.element, slow.element),
    el(
      "div",
      { class: "lists" },
      card("Agents with most refusals", agents),
      card("Rules and reasons", rule),
      card("Budgets of the day", budget),
    ),
    el(
      "section",
      { class: "card recent" },
      el("h2", {}, "Recent decisions"),
      noRecent,
      recent,
      mayRecords &&
        el("p", {}, el("a", { class: "more", href: "/dashboard#decisions" }, "All decisions, with filters")),
    ),
  );
  const buttons = windows.map((window) => {
    const button = el(
      "button",
      { type: "button", class: "quiet" },
      el("span", { class: "unseen" }, "The last "),
      window,
    );
    button.addEventListener("click", () => {
      chosen = window;
      pressed();
      void look().catch(() => {});
    });
    return button;
  });
  choice.append(...buttons);
  pressed();

  return {
    element: el("div", { class: "view wide" }, el("div", { class: "head" }, heading, choice), about, loading, body),
    heading,
    title: "Dashboard",
    refresh: look,
  };

  function pressed() {
    for (const [i, button] of buttons.entries()) button.setAttribute("aria-pressed", String(windows[i] === chosen));
  }

  async function look() {
    const window = chosen;
    const asked = [numbers(window), mayRecords ? records({ kind: "decision", limit: String(mostRecent) }) : null];
    const [seen, newest] = await Promise.allSettled(asked);
    // Another window was chosen meanwhile, and is being asked for.
    if (window === chosen && seen?.status === "fulfilled") show(/** @type {Dashboard} */ (seen.value));
    if (newest?.status === "fulfilled" && newest.value !== null) {
      const { records } = /** @type {import("./evidence.js").Records} */ (newest.value);
      fill(recent, ...records.flatMap((record) => (record.kind === "decision" ? [rowOf(record)] : [])));
      noRecent.hidden = records.length > 0;
      noRecent.textContent = "Nothing was decided yet.";
    }
    for (const result of [seen, newest]) if (result?.status === "rejected") throw result.reason;
  }

  /** @param {Dashboard} fresh */
  function show(fresh) {
    loading.hidden = true;
    body.hidden = false;
    waits(fresh.approvals?.pending ?? 0);
    fill(about, "This server since ", moment(fresh.since), ". Policies ", policy(fresh), ".");
    fill(tiles, ...tilesOf(fresh, mayApprovals));
    const { at, enforced, would_block, p50_us, p90_us, p99_us } = fresh.series;
    decided.update({
      at,
      series: [
        { label: "Denied", colour: "deny", style: "solid", values: enforced.deny },
        { label: "Approval needed", colour: "asked", style: "hatched", values: enforced.approval_needed },
        { label: "Sanitized", colour: "changed", style: "hatched", values: enforced.sanitize },
        { label: "Allowed", colour: "allow", style: "solid", values: enforced.allow },
      ],
    });
    const calls = at.map((_, i) => {
      const of = [enforced.allow, enforced.sanitize, enforced.approval_needed, enforced.deny].map(
        (one) => one[i] ?? null,
      );
      return of.some((one) => one === null) ? null : of.reduce((/** @type {number} */ sum, one) => sum + (one ?? 0), 0);
    });
    const stopped = at.map((_, i) => sum(enforced.deny[i], enforced.approval_needed[i]));
    blocked.update({
      at,
      series: [
        { label: "Would block", colour: "shadow-line", style: "dashed", values: shares(would_block, calls) },
        { label: "Blocked", colour: "deny", style: "solid", values: shares(stopped, calls) },
      ],
    });
    slow.update({
      at,
      series: [
        { label: "p50", colour: "p50", style: "solid", values: p50_us },
        { label: "p90", colour: "p90", style: "dashed", values: p90_us },
        { label: "p99", colour: "p99", style: "dotted", values: p99_us },
      ],
    });
    fill(agents, offenders(fresh, mayRecords));
    fill(rule, rules(fresh));
    fill(budget, budgets(fresh));
  }
}

/** @param {string} title @param {HTMLElement} content */
function card(title, content) {
  return el("section", { class: "card" }, el("h2", {}, title), content);
}

/** @param {number | null | undefined} a @param {number | null | undefined} b */
function sum(a, b) {
  return a === null || a === undefined || b === null || b === undefined ? null : a + b;
}

/** @param {readonly (number | null)[]} parts @param {readonly (number | null)[]} wholes */
function shares(parts, wholes) {
  return parts.map((part, i) => (part === null || !wholes[i] ? null : part / (wholes[i] ?? 1)));
}

const modes = {
  enforce: "",
  shadow: " (shadow where a policy says nothing else)",
  dry_run: " (dry run: nothing is enforced)",
};

/** @param {Dashboard} numbers */
function policy({ policy_version, mode }) {
  return el(
    "span",
    {},
    el("code", { title: policy_version }, said(policy_version.slice(0, 19), { name: true })),
    modes[mode],
  );
}

/** @param {Dashboard} numbers @param {boolean} mayApprovals */
function tilesOf({ totals, latency: took, approvals, health }, mayApprovals) {
  const { blocked, decisions, blocked_ratio, would_block } = totals;
  const parts = Object.entries(health.parts).filter(([, state]) => state !== "ok");
  const ill = !health.ready || parts.length > 0;
  return [
    tile(
      "Blocked",
      percent(blocked_ratio),
      `${count(blocked)} of ${counted(decisions, "call", "calls")}`,
      blocked > 0 ? "bad" : "",
    ),
    tile("Would block", count(would_block), "let through, in shadow or a dry run", would_block > 0 ? "waiting" : ""),
    tile("Decisions", count(decisions), `${count(totals.enforced.sanitize)} of them sanitized`, ""),
    tile("Typical decision", latency(took.p50_us), `p90 ${latency(took.p90_us)}, p99 ${latency(took.p99_us)}`, ""),
    queue(approvals, mayApprovals),
    tile(
      "Server",
      el(
        "span",
        { class: "state-word" },
        icon(ill ? "alert" : "check"),
        health.ready ? (ill ? "Trouble" : "Well") : "Not ready",
      ),
      ill
        ? `trouble with ${parts.map(([name]) => name.replace(/_/g, " ")).join(", ") || "a part"}: see /readyz`
        : "records, store and policies are well",
      ill ? "bad" : "",
    ),
  ];
}

/** @param {Dashboard["approvals"]} approvals @param {boolean} mayApprovals */
function queue(approvals, mayApprovals) {
  if (approvals === null) return tile("Approvals waiting", "–", "not known now: the store does not answer", "waiting");
  const { pending, more, oldest_at } = approvals;
  const since =
    oldest_at === null ? "nothing waits" : `the oldest for ${duration(Math.max(0, now() - Date.parse(oldest_at)))}`;
  const number = `${count(pending)}${more ? " or more" : ""}`;
  const shown = mayApprovals ? el("a", { href: "/approvals" }, number) : number;
  return tile("Approvals waiting", shown, since, pending > 0 ? "waiting" : "");
}

/** @param {string} name @param {Child} value @param {string} about @param {string} tone */
function tile(name, value, about, tone) {
  return el(
    "div",
    { class: `tile ${tone}` },
    el("dt", {}, name),
    el("dd", { class: "value" }, value),
    el("dd", { class: "hint" }, about),
  );
}
