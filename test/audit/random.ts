/** A source of chance that a number decides, so that what went wrong can be done again. Not for secrets. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32: 32 bits of state are plenty for picking lines. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From `low` up to and not including `high`. */
  int(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low));
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[this.int(0, from.length)];
    if (chosen === undefined) throw new Error("nothing to pick from");
    return chosen;
  }
}
