/** Neighbouring cells are 9 % apart, so that a percentile is off by less than 5 %. */
const perDoubling = 8;
/** Up to 2^31 microseconds, some 36 minutes; what took longer counts as that. */
const doublings = 31;

/** Cells of one histogram of durations, on a logarithmic scale. */
export const histogramCells = perDoubling * doublings;

/** The cell of a duration in microseconds. */
export function cellOf(us: number): number {
  if (!(us >= 1)) return 0;
  return Math.min(histogramCells - 1, Math.floor(Math.log2(us) * perDoubling));
}

/**
 * The duration in microseconds that `share` (0 to 1) of all did not exceed, by the nearest rank; `null` when there was none.
 */
export function percentileOf(cells: ArrayLike<number>, share: number): number | null {
  let total = 0;
  for (let i = 0; i < cells.length; i++) total += cells[i] ?? 0;
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(share * total));
  let seen = 0;
  for (let i = 0; i < cells.length; i++) {
    seen += cells[i] ?? 0;
    if (seen >= rank) return Math.round(2 ** ((i + 0.5) / perDoubling));
  }
  return null;
}
