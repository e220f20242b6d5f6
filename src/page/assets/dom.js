// @ts-check
import { pieces } from "./text.js";

/** @typedef {Node | string | null | false | undefined} Child */
/** @typedef {Readonly<Record<string, string | boolean | null | undefined>>} Attributes `true` is an empty one. */

/**
 * An element. Strings become text, never markup.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "string") made.setAttribute(name, value);
    else if (value) made.setAttribute(name, "");
  }
  made.append(...present(children));
  return made;
}

/**
 * Text that somebody else chose, in a box that nothing in it can reach out of.
 *
 * @param {string} text
 * @param {import("./text.js").As & { quoted?: boolean }} [as] `quoted`: as the string of JSON that it is.
 */
export function said(text, { name = false, quoted = false } = {}) {
  if (text === "" && !quoted) return el("span", { class: "nothing" }, "(empty)");
  const written = quoted ? text.replace(/["\\]/g, "\\$&") : text;
  const found = pieces(written, { name });
  const notes = new Set(found.flatMap(({ note, same = "" }) => (note === undefined ? [] : [`${note} ${same}`.trim()])));
  const quote = () => (quoted ? el("span", { class: "quote" }, '"') : "");
  return el(
    "bdi",
    { class: quoted ? "said string" : "said", dir: "ltr" },
    quote(),
    ...found.flatMap((piece) => pieceNodes(piece, name)),
    quote(),
    ...[...notes].map((note) => el("span", { class: "note" }, ` (${note})`)),
  );
}

/**
 * @param {import("./text.js").Piece} piece
 * @param {boolean} name
 * @returns {Child[]}
 */
function pieceNodes({ kind, text }, name) {
  switch (kind) {
    case "plain":
      return [text];
    case "rtl":
      return [el("bdi", { dir: "rtl" }, text)];
    case "odd":
      return [el("span", { class: "odd" }, text)];
    case "break":
      return [el("span", { class: "odd" }, text), name ? "" : "\n"];
    case "alike":
      return [el("span", { class: "alike" }, text)];
    default:
      return kind;
  }
}

/**
 * Replaces what is inside, unless it reads the same already: whoever reads or selects it is not disturbed.
 *
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  const fresh = present(children);
  const before = [...parent.childNodes];
  const same =
    before.length === fresh.length &&
    fresh.every((child, i) =>
      typeof child === "string" ? isText(before[i], child) : child.isEqualNode(before[i] ?? null),
    );
  if (!same) parent.replaceChildren(...fresh);
}

/**
 * @param {ChildNode | undefined} node
 * @param {string} text
 */
function isText(node, text) {
  return node?.nodeType === Node.TEXT_NODE && node.nodeValue === text;
}

/** @param {Child[]} children @returns {(Node | string)[]} */
function present(children) {
  return children.flatMap((child) =>
    child === null || child === false || child === undefined || child === "" ? [] : [child],
  );
}

/** Outlines on a grid of 24. @type {Readonly<Record<string, string>>} */
const outlines = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  clock: "M12 7v5l3.5 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  alert: "M12 4l9 16H3zM12 10v4.5M12 17v.5",
  back: "M14.5 6l-6 6 6 6",
  undo: "M8.5 5L4.5 9l4 4M5 9h9a5 5 0 0 1 0 10h-3",
  funnel: "M4 5.5h16l-6.2 7.3v5.2l-3.6 1.8v-7z",
  up: "M12 19V5M6 11l6-6 6 6",
};

/**
 * Says nothing that the words beside it do not say.
 *
 * @param {string} name
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", outlines[name] ?? "");
  svg.append(path);
  return svg;
}

/**
 * A list of terms and what they are.
 *
 * @param {readonly (readonly [term: Child, value: Child, className?: string | undefined] | null)[]} rows
 * @param {string} [className]
 */
export function terms(rows, className = "terms") {
  const list = el("dl", { class: className });
  for (const row of rows) {
    if (row) list.append(el("div", { class: row[2] }, el("dt", {}, row[0]), el("dd", {}, row[1])));
  }
  return list;
}
