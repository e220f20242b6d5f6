import { installPackage } from "./package_manager.js";
import { PartMissing } from "./part_missing.js";
import { atLeast, onPath, run, tell } from "./programs.js";
import { answersPing, type OwnRedis, type RunningRedis, startRedisServer } from "./redis.js";
import { startRedisContainer } from "./redis_container.js";

/** Oldest Redis that has every command the store uses. */
export const redisFloor = "6.2.0";
const help = `install redis-server ${redisFloor} or newer, start a container runtime, or set REDIS_URL`;

/**
 * A Redis to work with: `$REDIS_URL` (never stopped or emptied, and without `controls`), else one of our own.
 * Throws `PartMissing`.
 */
export async function findRedis(): Promise<RunningRedis> {
  const url = process.env.REDIS_URL;
  if (!url) return startRedis();
  const { hostname, port, protocol } = new URL(url);
  // Only a plain server can be asked without a client; others show what they are at the first command.
  if (protocol === "redis:" && !(await answersPing(hostname, Number(port || 6379))) && !url.includes("@")) {
    throw new PartMissing("Redis", "nothing answers at REDIS_URL");
  }
  return { url, stop: async () => {} };
}

/** A Redis of our own, for tests that kill it: `redis-server` on PATH, a container, or a package. Throws `PartMissing`. */
export async function startRedis(): Promise<OwnRedis> {
  const program = await usableServer();
  if (program !== undefined) return startRedisServer(program);
  const contained = await startRedisContainer().catch((error: unknown) => {
    tell(`redis: the container runtime answers, but ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  if (contained !== undefined) return contained;
  const installed = await installedServer();
  if (installed !== undefined) return startRedisServer(installed);
  throw new PartMissing("Redis", help);
}

/** `redis-server` itself, for servers with settings of their own. Throws `PartMissing`. */
export async function redisProgram(): Promise<string> {
  const program = (await usableServer()) ?? (await installedServer());
  if (program === undefined) throw new PartMissing("redis-server", `install redis-server ${redisFloor} or newer`);
  return program;
}

async function installedServer(): Promise<string | undefined> {
  const installed = await installPackage({ "apt-get": "redis-server", apk: "redis", dnf: "redis" });
  return installed ? usableServer() : undefined;
}

async function usableServer(): Promise<string | undefined> {
  const program = await onPath("redis-server");
  if (program === undefined) return undefined;
  const version = /v=(\d+\.\d+\.\d+)/.exec(await run(program, ["--version"]).catch(() => ""))?.[1];
  if (version !== undefined && atLeast(version, redisFloor)) return program;
  tell(`redis: ${program} is ${version ?? "unusable"}, and ${redisFloor} is the oldest that will do`);
  return undefined;
}
