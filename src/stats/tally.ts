/** Counters of one minute: a row for each slot, some columns each. It is as large as the highest slot that was counted. */
export class Tally {
  readonly #columns: number;
  #cells = new Uint32Array(0);

  constructor(columns: number) {
    this.#columns = columns;
  }

  add(slot: number, column: number, count: number): void {
    const at = slot * this.#columns + column;
    if (at >= this.#cells.length) this.#grow(slot);
    this.#cells[at] = (this.#cells[at] ?? 0) + count;
  }

  /** Adds everything to `sums`, which has room for every slot. */
  addTo(sums: Float64Array): void {
    for (let i = 0; i < this.#cells.length; i++) sums[i] = (sums[i] ?? 0) + (this.#cells[i] ?? 0);
  }

  /** Counts what these slots have as that of slot 0. */
  fold(slots: readonly number[]): void {
    for (const slot of slots) {
      for (let column = 0; column < this.#columns; column++) {
        const at = slot * this.#columns + column;
        const count = this.#cells[at] ?? 0;
        if (count === 0) continue;
        this.#cells[at] = 0;
        this.add(0, column, count);
      }
    }
  }

  #grow(slot: number): void {
    // By doubling, or a minute in which many names come would copy its counters for each of them.
    const cells = new Uint32Array(Math.max((slot + 1) * this.#columns, this.#cells.length * 2));
    cells.set(this.#cells);
    this.#cells = cells;
  }
}
