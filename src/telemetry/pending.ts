import type { Store } from "../store/store.js";

/** Approvals that wait for people: how many, 1000 at most, and how long the oldest has. */
export interface Pending {
  count: number;
  oldestSeconds: number;
}

/** As many as the store lists at a time. */
const most = 1_000;
/** Longest wait for the store, in milliseconds; a scrape waits no longer. */
const waitMs = 2_000;
/** Within which the store is asked once, whoever looks and however often. */
const freshMs = 5_000;

/** Gives what waits for people, or `null` when the store does not say so in time. Never throws, and asks once at a time. */
export function pendingApprovals(
  store: Pick<Store, "approvals">,
  runtime: { now(): number },
  wait = waitMs,
): () => Promise<Pending | null> {
  let asking: Promise<Pending | null> | null = null;
  let last: { atMs: number; found: Pending } | null = null;

  async function ask(): Promise<Pending | null> {
    try {
      const approvals = await store.approvals({ status: "pending", limit: most });
      const oldestMs = Math.min(runtime.now(), ...approvals.map(({ createdAtMs }) => createdAtMs));
      const found = { count: approvals.length, oldestSeconds: (runtime.now() - oldestMs) / 1000 };
      last = { atMs: runtime.now(), found };
      return found;
    } catch {
      return null;
    } finally {
      asking = null;
    }
  }

  return async () => {
    if (last && Math.abs(runtime.now() - last.atMs) < freshMs) return last.found;
    asking ??= ask();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, wait, null);
    });
    try {
      return await Promise.race([asking, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
