import type { StorePlace } from "../../config/store.js";
import { type Store, StoreUnavailable } from "../store.js";
import { nameOf, nodeAt, parseRedisUrl } from "./address.js";
import { Cluster } from "./cluster.js";
import type { Connected, ConnectionOptions } from "./commands.js";
import { Connection } from "./connection.js";
import { readPassword, readTls } from "./files.js";
import { keysUnder } from "./keys.js";
import { redisStore } from "./redis_store.js";

export type RedisPlace = Exclude<StorePlace, "memory:">;

/** Enough for a server that starts at the same time as this process. */
const startWaitMs = 3000;

/** Connects and checks the servers; rejects with `StoreUnavailable` or an `Error` that an operator understands. */
export async function openRedisStore(
  place: RedisPlace,
  { prefix, ...options }: ConnectionOptions & { prefix: string },
): Promise<Store> {
  const keys = keysUnder(prefix);
  const { connection, name, mode } = await connect(place, options);
  try {
    const infos = await connection.everywhere((redis) => redis.info("server"), Math.max(options.waitMs, startWaitMs));
    for (const info of infos) {
      requireVersion(info);
      if (mode === "single") requireSingle(info);
    }
    return redisStore(connection, keys, options.onTrouble ?? (() => undefined));
  } catch (error) {
    await connection.close();
    if (!(error instanceof StoreUnavailable)) throw error;
    throw new StoreUnavailable(`${name} cannot be used: ${chainOf(error)}`, { cause: error.cause });
  }
}

interface Opened {
  connection: Connected;
  /** As messages call it. */
  name: string;
  mode: "single" | "cluster";
}

async function connect(place: RedisPlace, options: ConnectionOptions): Promise<Opened> {
  if (typeof place === "object" && "cluster" in place) {
    const { cluster, username, password_file, tls } = place;
    const seeds = cluster.map((node) => nameOf(nodeAt(node)));
    const access = {
      ...(username !== undefined && { username }),
      ...(password_file !== undefined && { password: await readPassword(password_file) }),
      tls: tls === undefined ? (false as const) : await readTls(tls === true ? {} : tls),
    };
    const name = `the Redis cluster at ${seeds.join(", ")}`;
    return { connection: new Cluster(seeds, access, options), name, mode: "cluster" };
  }
  const { url, tls } = typeof place === "string" ? { url: place, tls: undefined } : place;
  const address = parseRedisUrl(url);
  if (tls !== undefined && address.tls === false) throw new Error("tls of a Redis store takes a rediss:// URL");
  const connection = new Connection({ ...address, ...(tls && { tls: await readTls(tls) }) }, options);
  return { connection, name: `the Redis server at ${nameOf(address)}`, mode: "single" };
}

/** Scripts need effects replication and `TIME` before writes; the list of approvals needs `PXAT`. */
export function requireVersion(info: string): void {
  const version = /^redis_version:(\d+)\.(\d+)/m.exec(info);
  if (!version) throw new Error("the Redis server does not tell its version");
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < 6 || (major === 6 && minor < 2)) {
    throw new Error(`the Redis server has version ${major}.${minor}, and 6.2 or later is needed`);
  }
}

/** One node would refuse the keys of the others. */
function requireSingle(info: string): void {
  if (!/^redis_mode:cluster\r?$/m.test(info)) return;
  throw new Error("the Redis server is the node of a cluster: write store: {cluster: [host:port, ...]}");
}

/** The message with those of its causes. */
function chainOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${chainOf(error.cause)}` : error.message;
}
