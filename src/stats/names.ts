/** Slot of all names for which there is no room. */
export const otherSlot = 0;

/** Gives names a place among a bounded number of counters. */
export class Names {
  readonly #slots = new Map<string, number>();
  readonly #names: (string | null)[];
  readonly #free: number[];

  /** Room for so many names, behind the first `reserved` slots, which stand for something else. */
  constructor(room: number, reserved: number) {
    this.#names = new Array<string | null>(reserved + room).fill(null);
    this.#free = Array.from({ length: room }, (_, i) => reserved + room - 1 - i);
  }

  /** Slots in all. */
  get size(): number {
    return this.#names.length;
  }

  /** `null` when there is no room for a further name. */
  slotOf(name: string): number | null {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#free.pop();
    if (slot === undefined) return null;
    this.#slots.set(name, slot);
    this.#names[slot] = name;
    return slot;
  }

  nameAt(slot: number): string | null {
    return this.#names[slot] ?? null;
  }

  /** Slots that have a name. */
  taken(): number[] {
    return [...this.#slots.values()];
  }

  release(slots: readonly number[]): void {
    for (const slot of slots) {
      const name = this.#names[slot];
      if (name === null || name === undefined) continue;
      this.#slots.delete(name);
      this.#names[slot] = null;
      this.#free.push(slot);
    }
  }
}
