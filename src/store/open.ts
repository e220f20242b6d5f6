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
 * Opens the store that a URL names: `memory:`, `redis://host[:port][/db]` or `rediss://...` (TLS, verified against the
 * roots that Node trusts). Rejects with an `Error` for other URLs and for servers before Redis 6.2, with
 * `StoreUnavailable` when the server does not answer at start. Messages never hold the URL's password.
 */
export async function openStore(place: StorePlace, options: StoreOptions): Promise<Store> {
  if (!Number.isSafeInteger(options.waitMs) || options.waitMs < 1)
    throw new RangeError("waitMs is not a positive integer");
  const url = typeof place === "string" ? place : "url" in place ? place.url : "";
  if (url === "memory:") return memoryStore(options.runtime);
  if (/^rediss?:/i.test(url)) {
    const { waitMs, prefix = "countersign:", onTrouble } = options;
    return openRedisStore(url, { waitMs, prefix, ...(onTrouble ? { onTrouble } : {}) });
  }
  throw new Error("a store is memory:, redis://host:port/database or rediss://host:port/database");
}
