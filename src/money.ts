/** Micro-units in one unit of the budget. */
const micro = 1_000_000;

/** A cost as integer micro-units; `null` when it is negative, not finite, has over six decimals or is past 2^53 - 1. */
export function toMicro(cost: number): number | null {
  if (!Number.isFinite(cost) || cost < 0 || Number(cost.toFixed(6)) !== cost) return null;
  const units = Math.round(cost * micro);
  return Number.isSafeInteger(units) ? units : null;
}

/** Integer micro-units as a cost. */
export function fromMicro(units: number): number {
  return units / micro;
}
