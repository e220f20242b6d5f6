/**
 * A map whose entries end. An ended entry is never returned, and each `set` looks at a few entries in turn and drops
 * the ended ones: the map stays within about twice what was alive at one time, without pauses and without timers.
 */
export class ExpiringMap<K, V> {
  private readonly entries = new Map<K, { value: V; endsAtMs: number }>();
  private sweep = this.entries.entries();

  get(key: K, nowMs: number): V | undefined {
    const entry = this.entries.get(key);
    return entry && entry.endsAtMs > nowMs ? entry.value : undefined;
  }

  set(key: K, value: V, endsAtMs: number, nowMs: number): void {
    this.entries.set(key, { value, endsAtMs });
    this.dropEnded(nowMs);
  }

  delete(key: K): void {
    this.entries.delete(key);
  }

  *values(nowMs: number): Generator<V> {
    for (const { value, endsAtMs } of this.entries.values()) if (endsAtMs > nowMs) yield value;
  }

  /** Entries held, ended ones that were not dropped yet included. */
  get size(): number {
    return this.entries.size;
  }

  private dropEnded(nowMs: number): void {
    for (let looked = 0; looked < 4; looked++) {
      const next = this.sweep.next();
      if (next.done) {
        this.sweep = this.entries.entries();
        return;
      }
      const [key, { endsAtMs }] = next.value;
      if (endsAtMs <= nowMs) this.entries.delete(key);
    }
  }
}
