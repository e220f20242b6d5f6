/**
 * Milliseconds until the next try after so many failed ones (>= 1): doubles from `firstMs` to `mostMs`, and is shortened
 * by up to half so that processes do not try in step. `random` is in [0, 1).
 */
export function backoffMs(failures: number, within: { firstMs: number; mostMs: number }, random: number): number {
  const whole = Math.min(within.mostMs, within.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.ceil(whole * (1 - random / 2));
}

/**
 * Milliseconds that a `retry-after` header asks for (RFC 9110 section 10.2.3: seconds, or a date); `null` without one that
 * can be read.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
