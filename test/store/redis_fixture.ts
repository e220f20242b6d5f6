import type { Redis } from "ioredis";
import type { StorePlace } from "../../src/config/store.js";
import { systemRuntime } from "../../src/runtime.js";
import { openStore } from "../../src/store/open.js";
import { type Store, StoreUnavailable } from "../../src/store/store.js";
import { startRedis } from "../harness/find_redis.js";
import type { OwnRedis } from "../harness/redis.js";
import { until } from "../harness/until.js";

/** Long enough that a machine that is busy with other tests does not look like a server that is away. */
export const waitMs = 1_000;
/** Room for such a machine; far below what an unbounded wait would take. */
export const generousMs = waitMs + 10_000;
export const hourly = { rate: { intervalUs: 3_600_000_000, burst: 1 } };

const started: OwnRedis[] = [];
const opened: Store[] = [];

/** A server that a test may kill; never the one in `$REDIS_URL`. */
export async function ownServer(): Promise<OwnRedis> {
  const server = await startRedis();
  started.push(server);
  return server;
}

export async function connected(place: StorePlace, more: { waitMs?: number; prefix?: string } = {}): Promise<Store> {
  const store = await openStore(place, { runtime: systemRuntime, waitMs, ...more });
  opened.push(store);
  return store;
}

/** Closes what `connected` opened and ends what `ownServer` started. */
export async function cleanUp(): Promise<void> {
  for (const store of opened.splice(0)) await store.close();
  for (const server of started.splice(0)) await server.stop();
}

export async function refusedWithin(ms: number, work: () => Promise<unknown>): Promise<void> {
  const before = performance.now();
  await expect(work()).rejects.toThrow(StoreUnavailable);
  expect(performance.now() - before).toBeLessThan(ms);
}

/** Works again by itself, with the same store. */
export async function recovered(store: Store): Promise<void> {
  await until(async () => store.ping().then(() => true), { what: "the store to come back" });
}

/** The server's number for the connection of the one store that is connected to it. */
export async function connectionOf(raw: Redis): Promise<string | undefined> {
  return /^id=(\d+) .*name=countersign /m.exec(String(await raw.client("LIST")))?.[1];
}
