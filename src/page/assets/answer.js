// @ts-check
import * as api from "./api.js";
import { titleOf } from "./call.js";
import { el, fill, icon, said } from "./dom.js";
import { plain } from "./text.js";
import { refusalOf, resultOf } from "./words.js";

/** @typedef {import("./api.js").Approval} Approval */
/** @typedef {import("./api.js").Decision} Decision */

/** Milliseconds for which nothing can be clicked after an answer: the second click of two would meet another button. */
const pauseMs = 1_000;
/** Characters; the server's limit. */
const maxComment = 2000;
/** Comments that were begun, by approval: they outlive the view. @type {Map<string, string>} */
const begun = new Map();

/** @type {Readonly<Record<Decision, { label: string, sign: string }>>} */
const buttons = {
  approve: { label: "Approve", sign: "check" },
  deny: { label: "Deny", sign: "cross" },
  revoke: { label: "Revoke", sign: "undo" },
};

/**
 * Where one approval is answered, as it was first shown. `taken` gets it as it is after an answer or a refusal.
 *
 * @param {Approval} approval
 * @param {{ me: string, taken: (approval: Approval) => void }} use
 */
export function answerForm(approval, { me, taken }) {
  const { id } = approval;
  const call = `${plain(titleOf(approval))}, ${id}`;
  const comment = el("input", {
    id: "comment",
    type: "text",
    autocomplete: "off",
    "aria-describedby": "comment-count",
  });
  comment.value = begun.get(id) ?? "";
  const count = el("p", { id: "comment-count", class: "hint" });
  const result = el("p", { class: "result", role: "status", tabindex: "-1" });
  const choices = el("div", { class: "choices" });
  const about = el("p", { class: "hint" });
  const form = el(
    "form",
    { class: "answer-form" },
    el("label", { for: "comment" }, "Comment (optional)"),
    comment,
    count,
    about,
    choices,
  );
  /** @type {Decision[]} */
  let offered = [];
  let busy = false;

  comment.addEventListener("input", counted);
  // Enter in the comment must not decide anything.
  form.addEventListener("submit", (event) => event.preventDefault());
  counted();

  function counted() {
    begun.set(id, comment.value);
    const length = [...comment.value].length;
    fill(
      count,
      length > maxComment ? `${length} of ${maxComment} characters: too long` : `${length} of ${maxComment} characters`,
    );
    comment.setAttribute("aria-invalid", String(length > maxComment));
    return length <= maxComment;
  }

  /** @param {Decision} decision */
  async function send(decision) {
    if (busy) return;
    if (!counted()) {
      say("Your comment is too long. Nothing was sent.", "bad");
      comment.focus();
      return;
    }
    setBusy(true);
    say("Sending your answer…", "");
    try {
      const answered = await api.answer(approval, decision, comment.value);
      begun.delete(id);
      comment.value = "";
      taken(answered);
      say(resultOf(answered, decision), decision === "approve" ? "good" : "over");
    } catch (error) {
      const fresh = await api.show(id).catch(() => null);
      if (fresh) taken(fresh);
      say(refusalOf(error, fresh, me), "bad");
      if (error instanceof api.Refused && error.reason === "invalid_comment") comment.focus();
    }
    setTimeout(() => setBusy(false), pauseMs);
    counted();
    // The button that had the focus may be gone.
    if (document.activeElement === document.body || document.activeElement === null) result.focus();
  }

  /** @param {boolean} now */
  function setBusy(now) {
    busy = now;
    // Not `disabled`, which would take the focus away.
    for (const button of choices.children) button.setAttribute("aria-disabled", String(now));
  }

  /** @param {string} text @param {string} tone */
  function say(text, tone) {
    result.className = `result ${tone}`;
    fill(result, text === "" ? "" : said(text));
  }

  /** @param {Decision} decision */
  function button(decision) {
    const { label, sign } = buttons[decision];
    const attributes = {
      type: "button",
      class: decision,
      "aria-label": `${label} ${call}`,
      "aria-disabled": String(busy),
    };
    const made = el("button", attributes, icon(sign), label);
    made.addEventListener("click", () => void send(decision));
    return made;
  }

  return {
    element: el("div", {}, form, result),
    /** @param {Approval} fresh */
    update(fresh) {
      const answered = fresh.decisions.some(({ approver }) => approver === me);
      const wanted = offers(fresh, answered);
      if (wanted.join() !== offered.join()) {
        offered = wanted;
        choices.replaceChildren(...wanted.map(button));
        form.hidden = wanted.length === 0;
      }
      fill(about, ...(wanted.includes("approve") ? oneClick(id) : [wanted.length > 0 && revoking(fresh)]));
    },
  };
}

/**
 * What can be answered.
 *
 * @param {Approval} approval
 * @param {boolean} answered
 * @returns {Decision[]}
 */
function offers({ status }, answered) {
  if (status === "pending") return answered ? ["revoke"] : ["approve", "deny"];
  return status === "approved" ? ["revoke"] : [];
}

/** @param {string} id */
function oneClick(id) {
  return ["One click decides. It holds for exactly the call shown here, ", el("code", {}, id), "."];
}

/** @param {Approval} approval */
function revoking({ status }) {
  return status === "pending"
    ? "You have answered. Revoking ends this approval for everybody."
    : "Not used yet. Revoking takes the approval back.";
}
