/** What a budget was used for in the last two hours of the store's clock, in micro-units. */
export interface Hours {
  hourMicro: number;
  hourBeforeMicro: number;
}

const hourMs = 3_600_000;

/**
 * Micro-units an hour: what was spent in the last 60 minutes, where the part of them that lies in the hour before is taken
 * as that part of what was spent in it (a sliding window of two buckets).
 */
export function burnPerHour(nowMs: number, { hourMicro, hourBeforeMicro }: Hours): number {
  const elapsed = (nowMs % hourMs) / hourMs;
  return Math.round(hourMicro + hourBeforeMicro * (1 - elapsed));
}

/** When what is left is spent at that rate, in milliseconds since the epoch; `null` when not before `endsMs`. */
export function exhaustedAtMs(nowMs: number, leftMicro: number, perHourMicro: number, endsMs: number): number | null {
  if (leftMicro <= 0) return nowMs;
  if (perHourMicro <= 0) return null;
  const atMs = nowMs + (leftMicro / perHourMicro) * hourMs;
  return atMs < endsMs ? Math.ceil(atMs) : null;
}
