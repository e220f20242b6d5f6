// @ts-check
import { serverSaid } from "./time.js";

/** @typedef {import("../../approvals/view.js").ApprovalView} ApprovalView */
/** @typedef {import("../../approvals/risk.js").Risk} Risk */
/** @typedef {ApprovalView} Approval */
/** @typedef {import("../../http/page_session.js").PageSessionView} Session */
/** @typedef {"approve" | "deny" | "revoke"} Decision */

/** Longest wait for an answer that needs no search, in milliseconds. */
const usualPatience = 15_000;

/** The server answered that it will not. `detail` is its own words. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} reason
   * @param {string} detail
   * @param {number | null} retryAfterMs when to ask again, as far as the server says
   */
  constructor(status, reason, detail, retryAfterMs = null) {
    super(detail);
    this.status = status;
    this.reason = reason;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
  }

  /** True when others search, so that this one had no turn: nothing is wrong. */
  get isBusy() {
    return this.status === 503 && this.reason === "searches_busy";
  }
}

/** No answer came, so it is not known whether the server has done what was asked. */
export class Unreachable extends Error {}

/** Of the session; goes with every change. @type {string | null} */
let csrf = null;

/** @returns {Promise<Session>} */
export async function session() {
  return known(await request("GET", "/approvals/session"));
}

/**
 * @param {string} token
 * @returns {Promise<Session>}
 */
export async function signIn(token) {
  return known(await request("POST", "/approvals/session", { token }));
}

/** @returns {Promise<void>} */
export async function signOut() {
  await request("DELETE", "/approvals/session");
  csrf = null;
}

/**
 * Newest first; pending ones in the order in which they expire.
 *
 * @param {string} status
 * @param {number} limit
 * @returns {Promise<Approval[]>}
 */
export async function list(status, limit) {
  return (await request("GET", `/v1/approvals?status=${status}&limit=${limit}`)).approvals;
}

/**
 * @param {string} id
 * @returns {Promise<Approval>}
 */
export function show(id) {
  return request("GET", at(id));
}

/**
 * @param {Pick<Approval, "id" | "shown">} approval as it was shown: the server refuses the answer if it is another one
 * @param {Decision} decision
 * @param {string} comment
 * @returns {Promise<Approval>}
 */
export function answer({ id, shown }, decision, comment) {
  const said = comment === "" ? {} : { comment };
  if (decision === "revoke") return request("POST", `${at(id)}/revoke`, said);
  return request("POST", `${at(id)}/decision`, { decision, shown, ...said });
}

/**
 * Anything else that is only looked at.
 *
 * @param {string} path
 * @param {number} [patience] milliseconds
 * @returns {Promise<any>}
 */
export function get(path, patience) {
  return request("GET", path, undefined, patience);
}

/** @param {string} id */
function at(id) {
  return `/v1/approvals/${encodeURIComponent(id)}`;
}

/** @param {Session} session */
function known(session) {
  csrf = session.csrf;
  return session;
}

/**
 * @param {"GET" | "POST" | "DELETE"} method
 * @param {string} path
 * @param {object} [body]
 * @param {number} [patience] milliseconds
 * @returns {Promise<any>}
 */
async function request(method, path, body, patience = usualPatience) {
  /** @type {Record<string, string>} */
  const headers = { accept: "application/json" };
  if (method !== "GET" && csrf !== null) headers["x-csrf-token"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  /** @type {RequestInit} */
  const init = { method, headers, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(patience) };
  if (body !== undefined) init.body = JSON.stringify(body);
  const { response, text } = await sent(path, init);
  serverSaid(response.headers.get("date"));
  const answered = parsed(text);
  if (response.ok && (response.status === 204 || answered !== null)) return answered;
  const { reason = "unknown", detail = "" } = answered ?? {};
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  throw new Refused(response.status, String(reason), String(detail), Number.isFinite(seconds) ? seconds * 1000 : null);
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function sent(path, init) {
  try {
    const response = await fetch(path, init);
    return { response, text: await response.text() };
  } catch (cause) {
    throw new Unreachable("the server cannot be reached", { cause });
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
