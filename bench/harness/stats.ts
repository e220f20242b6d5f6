/** What several rounds of one figure come to. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Median and ends of figures of several rounds. Throws `RangeError` without any: a missing figure is no zero. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError("there are no figures");
  return { median: middleOf(sorted), min, max };
}

/**
 * The ratios of two contenders, one per round, and their spread. Each round is compared with itself, so that what slows the
 * machine down for a while changes both sides. Rounds in which one is missing do not count.
 */
export function ratiosOf(above: readonly number[], below: readonly number[]): Spread {
  const rounds = Math.min(above.length, below.length);
  const ratios = Array.from({ length: rounds }, (_, round) => (above[round] ?? Number.NaN) / (below[round] ?? 0));
  return spreadOf(ratios);
}

function middleOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
