// @ts-check
import { el, icon, said } from "./dom.js";
import { counted } from "./numbers.js";

/** @typedef {import("./evidence.js").Decision} Decision */
/** @typedef {Decision["decision"]} Verdict */

/** @type {Readonly<Record<Verdict, { done: string, would: string, tone: string, sign: string }>>} */
export const verdicts = {
  allow: { done: "Allowed", would: "Would be allowed", tone: "good", sign: "check" },
  sanitize: { done: "Sanitized", would: "Would be sanitized", tone: "good", sign: "funnel" },
  approval_needed: { done: "Approval needed", would: "Would need approval", tone: "waiting", sign: "clock" },
  deny: { done: "Denied", would: "Would be denied", tone: "bad", sign: "cross" },
};

/** What was done, and what would have been: signs, words and colours. @param {Pick<Decision, "decision" | "enforced" | "aggregated">} record */
export function verdictTags({ decision, enforced, aggregated }) {
  return el(
    "span",
    { class: "tags" },
    tag(verdicts[enforced].done, verdicts[enforced].tone, verdicts[enforced].sign),
    decision !== enforced && tag(verdicts[decision].would, "waiting", "alert"),
    aggregated && tag(counted(aggregated.count, "call", "calls"), "", "up"),
  );
}

/** @type {Readonly<Record<import("./evidence.js").Outcome["outcome"], readonly [text: string, tone: string, sign: string]>>} */
const ends = {
  succeeded: ["Succeeded", "good", "check"],
  failed: ["Failed", "bad", "cross"],
  unreached: ["Tool not reached", "bad", "alert"],
};

/** What became of a call that was let through. @param {import("./evidence.js").Outcome} outcome */
export function outcomeTag({ outcome }) {
  return tag(...ends[outcome]);
}

/** @param {string} text @param {string} tone @param {string} sign */
export function tag(text, tone, sign) {
  return el("span", { class: `tag ${tone}` }, icon(sign), text);
}

/** Tool, action and environment of a call. @param {{ tool: string | null, action: string | null, environment: string | null }} call */
export function callOf({ tool, action, environment }) {
  return el(
    "span",
    { class: "what" },
    tool === null ? el("span", { class: "nothing" }, "unknown tool") : said(tool, { name: true }),
    action === null ? "" : " ",
    action === null ? "" : el("b", {}, said(action, { name: true })),
    environment === null ? "" : " in ",
    environment === null ? "" : said(environment, { name: true }),
  );
}

/** An agent by its id. @param {string | null} id */
export function agentOf(id) {
  return id === null ? el("span", { class: "nothing" }, "nobody known") : said(id, { name: true });
}
