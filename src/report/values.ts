/** Significant digits that numbers are rounded to when there are too many different ones, one step after the other. */
const coarser = [4, 3, 2, 1] as const;

/**
 * Numbers and how often each was seen, in bounded memory: exact up to `most` different ones; beyond, all are rounded
 * up to fewer significant digits, so that a bound taken from them lets no fewer calls through than it says.
 */
export class Values {
  count = 0;
  /** Significant digits that are left; `null` = exact. */
  digits: number | null = null;
  #counts = new Map<number, number>();
  readonly #most: number;

  constructor(most = 10_000) {
    this.#most = most;
  }

  add(value: number): void {
    this.count += 1;
    this.#put(value, 1);
    while (this.#counts.size > this.#most && this.digits !== 1) this.#coarsen();
  }

  /**
   * The smallest number seen that at least `percent` of all are not above (nearest-rank percentile); `null` when there
   * are none. `percent` is above 0 and at most 100, with at most three decimals.
   */
  atMost(percent: number): number | null {
    // In whole thousandths: 0.999 * 1000 is not 999 in binary fractions.
    let rank = Math.ceil((Math.round(percent * 1_000) * this.count) / 100_000);
    for (const [value, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      rank -= count;
      if (rank <= 0) return value;
    }
    return null;
  }

  #put(value: number, times: number): void {
    const kept = this.digits === null ? value : roundUp(value, this.digits);
    this.#counts.set(kept, (this.#counts.get(kept) ?? 0) + times);
  }

  #coarsen(): void {
    const finer = this.#counts;
    this.#counts = new Map();
    this.digits = coarser.find((digits) => this.digits === null || digits < this.digits) ?? 1;
    for (const [value, times] of finer) this.#put(value, times);
  }
}

/** Below this every number counts as the next of these: rounding has no digits to work with there. */
const smallest = 1e-300;

/** The least number of so many significant digits that is not below `value`. */
export function roundUp(value: number, digits: number): number {
  if (Math.abs(value) < smallest) return value > 0 ? smallest : 0;
  const rounded = Number(value.toPrecision(digits));
  if (rounded >= value) return rounded;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) - digits + 1);
  return Number((rounded + step).toPrecision(digits));
}
