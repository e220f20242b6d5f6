/**
 * The texts seen most often, in bounded memory (Misra and Gries, "Finding repeated elements", 1982). Counts are exact
 * while there are at most `most` different texts; beyond, a count can be too low by `missed` and is never too high.
 */
export class Frequent {
  /** How much too low any count can be. */
  missed = 0;
  readonly #counts = new Map<string, number>();
  readonly #most: number;

  constructor(most = 1_000) {
    this.#most = most;
  }

  add(text: string): void {
    const count = this.#counts.get(text);
    if (count !== undefined) this.#counts.set(text, count + 1);
    else if (this.#counts.size < this.#most) this.#counts.set(text, 1);
    else this.#thin();
  }

  /** At most `limit` texts with their counts, the most frequent first, equal ones by text. */
  top(limit: number): { value: string; count: number }[] {
    return [...this.#counts]
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, limit);
  }

  /** Takes one from every count, and so forgets the rare ones; the text that has no place takes part with its one. */
  #thin(): void {
    this.missed += 1;
    for (const [text, count] of this.#counts) {
      if (count === 1) this.#counts.delete(text);
      else this.#counts.set(text, count - 1);
    }
  }
}
