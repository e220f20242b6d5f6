interface Entry<K, V> {
  readonly key: K;
  value: V;
  older: Entry<K, V> | null;
  newer: Entry<K, V> | null;
}

/**
 * A map of bounded size: what was not asked for or set for the longest time makes room. The order is a list of its own: to find
 * the first key of a `Map` costs a step for each one that was deleted before it since the map was last rebuilt, which in a
 * large map that drops its oldest for every new one are thousands.
 */
export class RecentMap<K, V> {
  readonly #entries = new Map<K, Entry<K, V>>();
  readonly #most: number;
  #oldest: Entry<K, V> | null = null;
  #newest: Entry<K, V> | null = null;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#touch(entry);
    return entry.value;
  }

  set(key: K, value: V): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      this.#touch(known);
      return;
    }
    const entry = { key, value, older: null, newer: null };
    this.#entries.set(key, entry);
    this.#append(entry);
    if (this.#entries.size > this.#most) this.dropOldest();
  }

  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#unlink(entry);
  }

  dropOldest(): void {
    if (this.#oldest) this.delete(this.#oldest.key);
  }

  get size(): number {
    return this.#entries.size;
  }

  #touch(entry: Entry<K, V>): void {
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#append(entry);
  }

  #append(entry: Entry<K, V>): void {
    entry.older = this.#newest;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  /** Points to no other afterwards: what is dropped and old must not keep alive what is newer. */
  #unlink(entry: Entry<K, V>): void {
    const { older, newer } = entry;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    entry.older = null;
    entry.newer = null;
  }
}
