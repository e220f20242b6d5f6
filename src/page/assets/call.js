// @ts-check
import { el, icon, said, terms } from "./dom.js";

/** @typedef {import("./api.js").Approval} Approval */
/** @typedef {import("./dom.js").Child} Child */

/** How the members of a call are called, in the order in which they are shown. */
const groups = /** @type {const} */ ([
  ["What is done", ["tool", "action", "environment", "service", "amount", "images", "image_tag", "deployment_id"]],
  ["Parameters", ["params"]],
  ["Rest of the body", ["body"]],
  ["The request", ["destination", "method", "path", "query", "content_type", "body_sha256"]],
]);
/** @type {Readonly<Record<string, string>>} */
const labels = {
  tool: "Tool",
  action: "Action",
  environment: "Environment",
  service: "Service",
  amount: "Amount",
  images: "Images",
  image_tag: "Image tag",
  deployment_id: "Deployment",
  destination: "Destination",
  method: "Method",
  path: "Path",
  query: "Query",
  content_type: "Content type",
  body_sha256: "SHA-256 of the body",
};
const grouped = new Set(groups.flatMap(([, names]) => /** @type {readonly string[]} */ (names)));

/** The members of a call that say which one it is. @param {Approval} approval */
export function nameOf({ call }) {
  const { tool, action, environment } = /** @type {Record<string, unknown>} */ (call);
  return { tool: textOf(tool), action: textOf(action), environment: textOf(environment) };
}

/** One line that names a call, for titles and accessible names; not yet made safe. @param {Approval} approval */
export function titleOf(approval) {
  const { tool, action, environment } = nameOf(approval);
  const what = [tool ?? "unknown tool", action].filter((part) => part !== null).join(" ");
  return environment === null ? what : `${what} in ${environment}`;
}

/** The whole call: every member, nothing cut. @param {Approval} approval */
export function callSections({ call }) {
  const members = /** @type {Record<string, unknown>} */ (call);
  const sections = groups.map(([title, names]) => {
    const present = names.filter((name) => Object.hasOwn(members, name));
    if (title === "Parameters") return section(title, Object.entries(objectOf(members.params)), false);
    if (title === "Rest of the body") return restOfBody(members, title);
    return section(
      title,
      present.map((name) => [name, members[name]]),
      true,
    );
  });
  const others = Object.entries(members).filter(([name]) => !grouped.has(name));
  if (others.length > 0) sections.push(section("Further members", others, false));
  return sections;
}

/**
 * What reaches the tool beside the parameters.
 *
 * @param {Record<string, unknown>} call
 * @param {string} title
 */
function restOfBody(call, title) {
  if (call.body !== null) return section(title, Object.entries(objectOf(call.body)), false);
  const warning = el(
    "p",
    { class: "unread" },
    icon("alert"),
    el("span", {}, "The body was not read: what is in it is not shown."),
  );
  return el("section", { class: "group" }, el("h3", {}, title), warning);
}

/**
 * @param {string} title
 * @param {[name: string, value: unknown][]} members
 * @param {boolean} labelled
 */
function section(title, members, labelled) {
  const rows = members.map(([name, value]) => {
    const label = (labelled && labels[name]) || null;
    return /** @type {const} */ ([label ?? el("code", {}, said(name, { name: true })), shown(value, labelled)]);
  });
  const body = rows.length > 0 ? terms(rows, "fields") : el("p", { class: "nothing" }, "none");
  return el("section", { class: "group" }, el("h3", {}, title), body);
}

/**
 * @param {unknown} value
 * @param {boolean} optional
 */
function shown(value, optional) {
  const absent = value === null || (Array.isArray(value) && value.length === 0);
  return optional && absent ? el("span", { class: "nothing" }, "none") : json(value);
}

/** A value as the JSON that it is, its strings made safe. @param {unknown} value */
export function json(value) {
  return el("code", { class: "json" }, ...written(value));
}

/**
 * @param {unknown} value
 * @returns {Child[]}
 */
function written(value) {
  if (typeof value === "string") return [said(value, { quoted: true })];
  if (value === null || typeof value !== "object") return [el("span", { class: "literal" }, String(value))];
  /** @type {Child[][]} */
  const members = Array.isArray(value)
    ? value.map(written)
    : Object.entries(value).map(([name, one]) => [said(name, { quoted: true }), ": ", ...written(one)]);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const comma = (/** @type {number} */ i) => (i < members.length - 1 ? "," : "");
  if (isShort(value)) return [open, ...members.flatMap((member, i) => [...member, comma(i) && ", "]), close];
  return [open, ...members.map((member, i) => el("span", { class: "member" }, ...member, comma(i))), close];
}

/**
 * True for what is read at a glance: on one line.
 *
 * @param {object} value
 */
function isShort(value) {
  return (
    Object.values(value).every((one) => typeof one !== "object" || one === null) && JSON.stringify(value).length <= 60
  );
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function objectOf(value) {
  return typeof value === "object" && value !== null ? /** @type {Record<string, unknown>} */ (value) : {};
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === "string" ? value : null;
}
