// @ts-check
import { el } from "./dom.js";

/** Milliseconds that the server's clock is ahead of ours: time left is by the server's. */
let ahead = 0;

/**
 * Told of each answer's `date` header, which is exact to a second.
 *
 * @param {string | null} date
 */
export function serverSaid(date) {
  const at = Date.parse(date ?? "");
  if (Number.isNaN(at)) return;
  const found = at + 500 - Date.now();
  if (Math.abs(found - ahead) > 1500) ahead = found;
}

/** Milliseconds since the epoch, by the server's clock. */
export function now() {
  return Date.now() + ahead;
}

const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/**
 * A moment in the reader's time zone; the exact one is in the title.
 *
 * @param {string} at RFC 3339
 */
export function moment(at) {
  return el("time", { datetime: at, title: at }, format.format(new Date(at)));
}

/** @param {number} ms */
export function timeOfDay(ms) {
  return clock.format(new Date(ms));
}

/**
 * Counts down while it is on the page.
 *
 * @param {string} until RFC 3339
 */
export function countdown(until) {
  const made = el("time", { datetime: until, title: until, "data-until": "" });
  tick(made);
  return made;
}

/** Brings every countdown of the page up to date. */
export function tickAll() {
  for (const one of document.querySelectorAll("time[data-until]")) tick(/** @type {HTMLTimeElement} */ (one));
}

/** @param {HTMLTimeElement} one */
function tick(one) {
  const left = Date.parse(one.dateTime) - now();
  const text = left > 0 ? `${duration(left)} left` : "time is over";
  if (one.textContent !== text) one.textContent = text;
  one.classList.toggle("soon", left < 60_000);
}

/** @param {number} ms */
export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return `${days} d ${(hours ?? 0) % 24} h`;
  if (hours) return `${hours} h ${(minutes ?? 0) % 60} min`;
  if (minutes) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}
