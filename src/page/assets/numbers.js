// @ts-check
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 2 });
const rough = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** @param {number} n */
export function count(n) {
  return whole.format(n);
}

/** @param {number} n @param {string} one @param {string} many */
export function counted(n, one, many) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** An amount of a budget. @param {number} n */
export function amount(n) {
  return fine.format(n);
}

/** @param {number | null} share 0 to 1 and beyond */
export function percent(share) {
  if (share === null) return "–";
  const of = share * 100;
  // Neither nothing that is something, nor all that is not all.
  if (of > 0 && of < 0.1) return "< 0.1 %";
  if (of > 99.9 && of < 100) return "> 99.9 %";
  return `${of >= 10 && of === Math.round(of) ? whole.format(of) : fine.format(Math.round(of * 10) / 10)} %`;
}

/** A duration. @param {number | null} us microseconds */
export function latency(us) {
  if (us === null) return "–";
  if (us < 1_000) return `${rough.format(us)} µs`;
  if (us < 1_000_000) return `${rough.format(us / 1_000)} ms`;
  return `${rough.format(us / 1_000_000)} s`;
}

/** Hour and minute in the reader's time zone. @param {number} seconds since the epoch */
export function hour(seconds) {
  return clock.format(new Date(seconds * 1000));
}
