// @ts-check
import { Refused } from "./api.js";
import { el, fill } from "./dom.js";
import { records } from "./evidence.js";
import { decisionsAt } from "./places.js";
import { rowOf } from "./row.js";
import { verdicts } from "./verdicts.js";

/** @typedef {import("./places.js").Filter} Filter */

const onePage = 50;
/** What people filter by in words: name of the parameter, and label. */
const fields = /** @type {const} */ ([
  ["agent_id", "Agent"],
  ["environment", "Environment"],
  ["service", "Service"],
]);
/** Those that are looked for less often. */
const further = /** @type {const} */ ([
  ["deployment_id", "Deployment"],
  ["session_id", "Session"],
  ["reason", "Reason"],
  ["approver", "Approved by"],
]);
/** How far back, as the server reads it. @type {readonly (readonly [value: string, text: string])[]} */
const spans = [
  ["", "any time"],
  ["1h", "the last hour"],
  ["24h", "the last 24 hours"],
  ["7d", "the last 7 days"],
  ["30d", "the last 30 days"],
];

/**
 * Decisions as they were recorded, newest first.
 *
 * @param {Filter} filter as the address has it
 * @param {{ go: (href: string) => void }} use
 */
export function decisionsView(filter, { go }) {
  const heading = el("h1", { tabindex: "-1" }, "Decisions");
  const form = el("form", { class: "filters card", "aria-label": "Which decisions" });
  /** @type {(HTMLInputElement | HTMLSelectElement)[]} */
  const inputs = [];
  /** @param {readonly [name: import("./places.js").FilterName, label: string]} field */
  const input = ([name, label]) =>
    labelled(
      label,
      el("input", { id: `filter-${name}`, name, autocomplete: "off", spellcheck: "false", maxlength: "512" }),
      filter[name],
    );
  const verdict = Object.entries(verdicts).map(([name, { done }]) => /** @type {const} */ ([name, done]));
  const since = filter.from && !spans.some(([value]) => value === filter.from) ? [[filter.from, filter.from]] : [];
  form.append(
    ...fields.map(input),
    labelled("Decision", choice("decision", [["", "any"], ...verdict]), filter.decision),
    labelled("When", choice("from", [...spans, .../** @type {[string, string][]} */ (since)]), filter.from),
    el(
      "details",
      { class: "further", open: further.some(([name]) => filter[name]) },
      el("summary", {}, "More filters"),
      el("div", { class: "filters" }, ...further.map(input)),
    ),
    el(
      "div",
      { class: "submit" },
      el("button", { type: "submit" }, "Filter"),
      el("a", { class: "button quiet", href: decisionsAt({}) }, "Clear"),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = Object.fromEntries(inputs.map(({ name, value }) => [name, value.trim()]));
    go(decisionsAt(given));
  });

  const items = el("ul", { class: "rows card", "aria-label": "Decisions, newest first", hidden: true });
  const empty = el("p", { class: "empty" }, "Loading…");
  const trouble = el("p", { class: "none", role: "status" });
  const older = el("nav", { class: "paging", "aria-label": "Pages" });
  let due = 0;

  return {
    element: el("div", { class: "view wide" }, heading, form, trouble, empty, items, older),
    heading,
    title: "Decisions",
    async refresh() {
      if (performance.now() < due) return;
      try {
        const page = await records({ kind: "decision", limit: String(onePage), ...filter });
        // Older pages change no more.
        if (filter.cursor) due = performance.now() + 60_000;
        show(page);
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 400) throw error;
        due = performance.now() + 60_000;
        items.hidden = true;
        empty.hidden = false;
        fill(empty, `This cannot be asked: ${error.detail}`);
      }
    },
  };

  /** @param {string} label @param {HTMLInputElement | HTMLSelectElement} field @param {string | undefined} value */
  function labelled(label, field, value) {
    field.value = value ?? "";
    inputs.push(field);
    return el("div", {}, el("label", { for: field.id }, label), field);
  }

  /** @param {import("./evidence.js").Records} page */
  function show({ records, next, unreadable }) {
    const focused = document.activeElement?.getAttribute("data-id") ?? null;
    fill(items, ...records.flatMap((record) => (record.kind === "decision" ? [rowOf(record)] : [])));
    const again = [...items.querySelectorAll("a")].find((link) => link.getAttribute("data-id") === focused);
    if (focused !== null && again !== document.activeElement) again?.focus({ preventScroll: true });
    items.hidden = records.length === 0;
    empty.hidden = records.length > 0;
    fill(empty, next ? "None among the records that were looked through. Older ones follow." : "No decision fits.");
    fill(trouble, unreadable.length > 0 && "Some records cannot be read and are missing here: verify the audit trail.");
    fill(
      older,
      filter.cursor && el("a", { class: "button quiet", href: decisionsAt({ ...filter, cursor: "" }) }, "Newest"),
      next !== null && el("a", { class: "button quiet", href: decisionsAt({ ...filter, cursor: next }) }, "Older"),
    );
  }
}

/** @param {string} name @param {readonly (readonly [value: string, text: string])[]} options */
function choice(name, options) {
  const made = el("select", { id: `filter-${name}`, name });
  made.append(...options.map(([value, text]) => el("option", { value }, text)));
  return made;
}
