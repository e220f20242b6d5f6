import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Cluster, Redis } from "ioredis";
import type { StorePlace } from "../../src/config/store.js";
import { systemRuntime } from "../../src/runtime.js";
import { dayMs } from "../../src/store/budget.js";
import { openStore } from "../../src/store/open.js";
import type { Subject } from "./subject.js";

export interface RedisSubject<Raw = Redis> extends Subject {
  raw: Raw;
  prefix: string;
  /** What the store said of its troubles. */
  troubles: string[];
  /** All keys under the prefix, or those of one agent. */
  keys(agent?: string): Promise<string[]>;
  end(): Promise<void>;
}

/** A Redis store under its own prefix, and a second connection that edits its keys so that time passes. */
export function redisSubject(url: string): Promise<RedisSubject> {
  return subjectAt(url, new Redis(url));
}

/** The same in a cluster. The second connection is the client library's own, which finds its way by itself. */
export function clusterSubject(nodes: readonly string[]): Promise<RedisSubject<Cluster>> {
  return subjectAt({ cluster: [...nodes] }, new Cluster([...nodes]));
}

/** The same for any place, with a connection that is there already; `end` ends it. */
export async function subjectAt<Raw extends Redis | Cluster>(
  place: StorePlace,
  raw: Raw,
  prefix = `countersign-test-${randomBytes(6).toString("hex")}:`,
): Promise<RedisSubject<Raw>> {
  const troubles: string[] = [];
  const onTrouble = ({ message }: Error) => void troubles.push(message);
  const store = await openStore(place, { runtime: systemRuntime, waitMs: 5000, prefix, onTrouble });
  const servers = () => (raw instanceof Cluster ? raw.nodes("master") : [raw as Redis]);
  const started = performance.now();

  async function keys(agent?: string): Promise<string[]> {
    const tag = agent === undefined ? "" : `{${encodeURIComponent(agent)}}`;
    const found: string[] = [];
    for (const server of servers()) {
      for await (const batch of server.scanStream({ match: `${prefix}${tag}*`, count: 1000 })) found.push(...batch);
    }
    return found;
  }

  return {
    store,
    raw,
    prefix,
    troubles,
    keys,
    driftMs: () => Math.ceil(performance.now() - started),
    advance: async (agent, ms) => {
      await Promise.all((await keys(agent)).map((key) => age(raw, key, ms)));
    },
    startOfDay: async () => {
      const left = dayMs - (Date.now() % dayMs);
      if (left < 2000) await sleep(left);
    },
    end: async () => {
      await Promise.all((await keys()).map((key) => raw.unlink(key)));
      await raw.quit();
      await store.close();
    },
  };
}

/** Makes one key look as if it had been written earlier. */
async function age(raw: Redis | Cluster, key: string, ms: number): Promise<void> {
  const ttl = await raw.pttl(key);
  if (ttl <= ms) {
    await raw.del(key);
    return;
  }
  await raw.pexpire(key, ttl - ms);
  const type = await raw.type(key);
  if (type === "zset") {
    const entries = await raw.zrange(key, 0, -1, "WITHSCORES");
    for (let n = 0; n < entries.length; n += 2) await raw.zincrby(key, -ms, entries[n] ?? "");
  }
  if (type !== "hash") return;
  const shifts: Record<string, number> = {
    tat_us: ms * 1000,
    created_ms: ms,
    expires_ms: ms,
    day: Math.floor(ms / dayMs),
    hour: Math.floor(ms / 3_600_000),
    started_ms: ms,
    last_ms: ms,
    first_ms: ms,
    lost_ms: ms,
  };
  const warned = await raw.hget(key, "warned");
  if (warned) {
    const [day = "", percent] = warned.split(":");
    await raw.hset(key, "warned", `${Number(day) - Math.floor(ms / dayMs)}:${percent}`);
  }
  const refusals = await raw.hget(key, "refusals");
  if (refusals) {
    const earlier = refusals.split(",").map((time) => Number(time) - ms);
    await raw.hset(key, "refusals", earlier.join(","));
  }
  for (const field of await raw.hkeys(key)) if (field.startsWith("tat:")) shifts[field] = ms * 1000;
  for (const [field, shift] of Object.entries(shifts)) {
    if ((await raw.hexists(key, field)) === 1) await raw.hincrby(key, field, -shift);
  }
}
