import type { StorePlace } from "../config/store.js";
import type { Runtime } from "../runtime.js";
import { memoryStore } from "./memory.js";
import { openRedisStore } from "./redis/open.js";
import type { Store } from "./store.js";

export interface StoreOptions {
  runtime: Runtime;
  /** Longest time one method of the store takes, in milliseconds. */
  waitMs: number;
  /** Before every Redis key. Deployments that share a server without sharing state differ in it. */
  prefix?: string;
  /** Told of every connection error (about two a second while the server is away) and of unreadable approvals. */
  onTrouble?: (error: Error) => void;
}

/**
 * Opens a store: `memory:`, one Redis server by its URL (`redis://host[:port][/db]`, or `rediss://...` for TLS), or a
 * Redis cluster by some of its nodes. Certificates are verified against `tls.ca_file`, or else the roots that Node
 * trusts. Rejects with an `Error` for other places, files that cannot be used and servers before Redis 6.2, with
 * `StoreUnavailable` when nobody answers at start. Messages never hold a password.
 */
export async function openStore(place: StorePlace, options: StoreOptions): Promise<Store> {
  if (!Number.isSafeInteger(options.waitMs) || options.waitMs < 1)
    throw new RangeError("waitMs is not a positive integer");
  if (place === "memory:") return memoryStore(options.runtime);
  const { waitMs, prefix = "countersign:", onTrouble } = options;
  return openRedisStore(place, { waitMs, prefix, ...(onTrouble ? { onTrouble } : {}) });
}
