const periodUs = { s: 1_000_000, m: 60_000_000, h: 3_600_000_000, d: 86_400_000_000 } as const;

/** `5/s`, `100/m`, `1000/h`, `10/d`. */
export const rateForm = /^[1-9]\d{0,8}\/(s|m|h|d)$/;

/** A written rate as the time between two calls and how many may come at once: without `burst`, one period's worth. */
export function rateOf(text: string, burst?: number): { interval_us: number; burst: number } {
  const [count, unit] = text.split("/") as [string, keyof typeof periodUs];
  return { interval_us: Math.ceil(periodUs[unit] / Number(count)), burst: burst ?? Number(count) };
}
