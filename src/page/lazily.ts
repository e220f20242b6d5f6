interface LazyOptions {
  /** So old a result is asked for again. */
  freshMs: number;
  /** Shortest time between two tries, after a failure. */
  coolDownMs: number;
  /** Of a clock that never goes back. */
  nowMs: () => number;
}

/**
 * What loads something when it is first needed and keeps it. One load is under way at a time, for everybody who waits. What
 * fails is tried again, not at once; until it succeeds, what was known before stays.
 */
export function lazily<T>(load: () => Promise<T>, { freshMs, coolDownMs, nowMs }: LazyOptions): () => Promise<T> {
  let known: { value: T; atMs: number } | null = null;
  let failed: { error: unknown; atMs: number } | null = null;
  let loading: Promise<T> | null = null;

  async function loaded(): Promise<T> {
    try {
      const value = await load();
      known = { value, atMs: nowMs() };
      failed = null;
      return value;
    } catch (error) {
      failed = { error, atMs: nowMs() };
      if (known) return known.value;
      throw error;
    } finally {
      loading = null;
    }
  }

  return async () => {
    if (known && nowMs() - known.atMs < freshMs) return known.value;
    if (failed && nowMs() - failed.atMs < coolDownMs) {
      if (known) return known.value;
      throw failed.error;
    }
    loading ??= loaded();
    return loading;
  };
}
