// @ts-check
import * as api from "./api.js";
import { el, fill } from "./dom.js";

/** @typedef {import("./api.js").Session} Session */

/**
 * @param {Session} session
 * @param {{ reason: string, signedIn: (session: Session) => void, label: string }} use `reason`: why it is asked for now;
 *   may be empty. `label`: what the token is called.
 */
export function signInView({ oidc }, { reason, signedIn, label }) {
  const heading = el("h1", { tabindex: "-1" }, "Sign in");
  const token = el("input", {
    id: "token",
    name: "token",
    type: "password",
    autocomplete: "current-password",
    required: true,
    spellcheck: "false",
    autocapitalize: "none",
    "aria-describedby": "token-hint token-error",
  });
  const error = el("p", { id: "token-error", class: "error", role: "alert" });
  const button = el("button", { type: "submit", class: "primary" }, "Sign in");
  const form = el(
    "form",
    {},
    el("label", { for: "token" }, label),
    token,
    el("p", { id: "token-hint", class: "hint" }, "The token that belongs to you in people.yaml."),
    error,
    button,
  );
  let busy = false;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    button.setAttribute("aria-disabled", "true");
    fill(error);
    try {
      signedIn(await api.signIn(token.value));
    } catch (cause) {
      fill(error, refusal(cause));
      token.setAttribute("aria-invalid", "true");
      token.focus();
      token.select();
    } finally {
      busy = false;
      button.removeAttribute("aria-disabled");
    }
  });

  const back = encodeURIComponent(location.pathname);
  return {
    element: el(
      "div",
      { class: "view sign-in card" },
      heading,
      reason === "" ? null : el("p", { class: "notice" }, reason),
      oidc
        ? el(
            "p",
            {},
            el("a", { class: "button", href: `/approvals/oidc/start?return=${back}` }, "Sign in with OpenID Connect"),
          )
        : null,
      oidc ? el("p", { class: "or" }, "or with a token") : null,
      form,
    ),
    title: "Sign in",
    heading,
  };
}

/** @param {unknown} cause */
function refusal(cause) {
  if (cause instanceof api.Unreachable) return "The server cannot be reached. Try again.";
  if (cause instanceof api.Refused && cause.status === 401)
    return "This token belongs to nobody. Check it and try again.";
  if (cause instanceof api.Refused && cause.status < 500 && cause.detail)
    return `You are not signed in: ${cause.detail}.`;
  return "You are not signed in: the server cannot answer at the moment. Try again.";
}
