const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** How a duration is written. */
export const durationForm = /^(\d{1,9})(ms|s|m|h|d)$/;

/** Milliseconds of a duration such as `500ms`, `15m`, `24h`; `null` when it has no such form. */
export function parseDuration(text: string): number | null {
  const match = durationForm.exec(text);
  if (!match) return null;
  return Number(match[1]) * units[match[2] as keyof typeof units];
}

/** The shortest way to write so many milliseconds. */
export function durationText(ms: number): string {
  const unit = (["d", "h", "m", "s", "ms"] as const).find((name) => ms % units[name] === 0) ?? "ms";
  return `${ms / units[unit]}${unit}`;
}
