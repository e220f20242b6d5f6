import { type Store, StoreUnavailable } from "../store.js";
import { parseRedisUrl, type RedisAddress } from "./address.js";
import { Connection, type ConnectionOptions } from "./connection.js";
import { keysUnder } from "./keys.js";
import { redisStore } from "./redis_store.js";

/** Enough for a server that starts at the same time as this process. */
const startWaitMs = 3000;

/** Connects and checks the server; rejects with `StoreUnavailable` or an `Error` that an operator understands. */
export async function openRedisStore(
  url: string,
  { prefix, ...options }: ConnectionOptions & { prefix: string },
): Promise<Store> {
  const address = parseRedisUrl(url);
  const keys = keysUnder(prefix);
  const connection = new Connection(address, options);
  try {
    const info = await connection.run((redis) => redis.info("server"), Math.max(options.waitMs, startWaitMs));
    requireVersion(info);
    return redisStore(connection, keys, options.onTrouble ?? (() => undefined));
  } catch (error) {
    await connection.close();
    throw error instanceof StoreUnavailable ? described(error, address) : error;
  }
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

function described(error: StoreUnavailable, { host, port }: RedisAddress): StoreUnavailable {
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return new StoreUnavailable(`the Redis server at ${host}:${port} cannot be used: ${error.message}${cause}`, {
    cause: error.cause,
  });
}
