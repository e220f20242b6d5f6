// @ts-check
import { Refused } from "./api.js";
import { el, fill } from "./dom.js";
import { records } from "./evidence.js";
import { decisionsAt } from "./places.js";
import { rowOf } from "./row.js";
import { verdicts } from "./verdicts.js";

/** @typedef {import("./places.js").Filter} Filter */

const onePage = 50;
/** What people can filter by: name of the parameter, and label. */
const fields = /** @type {const} */ ([
  ["agent_id", "Agent"],
  ["environment", "Environment"],
  ["deployment_id", "Deployment"],
  ["session_id", "Session"],
]);

/**
 * Decisions as they were recorded, newest first.
 *
 * @param {Filter} filter as the address has it
 * @param {{ go: (href: string) => void }} use
 */
export function decisionsView(filter, { go }) {
  const heading = el("h1", { tabindex: "-1" }, "Decisions");
  const form = el("form", { class: "filters card", "aria-label": "Which decisions" });
  const inputs = fields.map(([name, label]) => {
    const input = el("input", {
      id: `filter-${name}`,
      name,
      autocomplete: "off",
      spellcheck: "false",
      maxlength: "512",
    });
    input.value = filter[name] ?? "";
    form.append(el("div", {}, el("label", { for: input.id }, label), input));
    return input;
  });
  const choice = el("select", { id: "filter-decision", name: "decision" }, el("option", { value: "" }, "any"));
  for (const [verdict, { done }] of Object.entries(verdicts)) choice.append(el("option", { value: verdict }, done));
  choice.value = filter.decision ?? "";
  form.append(
    el("div", {}, el("label", { for: choice.id }, "Decision"), choice),
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
    go(decisionsAt({ ...given, decision: choice.value }));
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
