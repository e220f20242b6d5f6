import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { send } from "../../test/harness/http.js";
import { freePort, startProcess } from "../../test/harness/process.js";
import type { Cleanup } from "../harness/cleanup.js";
import { startOwnRedis } from "./contender.js";

/** One limit, for every agent by itself, that the bench does not reach: as ours does, it counts. */
const limits = `domain: bench
descriptors:
  - key: agent
    rate_limit: {unit: second, requests_per_unit: 1000000}
`;

export interface RunningRatelimit {
  pid: number;
  grpcPort: number;
  redis: { pid: number; url: string };
}

/** envoyproxy/ratelimit on a Redis of its own, without statistics. */
export async function startRatelimit(
  program: string,
  { folder, redisProgram, cleanup }: { folder: string; redisProgram: string; cleanup: Cleanup },
): Promise<RunningRatelimit> {
  const redis = await startOwnRedis(redisProgram, cleanup);
  const runtime = join(folder, "ratelimit-runtime");
  await mkdir(join(runtime, "bench", "config"), { recursive: true });
  await writeFile(join(runtime, "bench", "config", "limits.yaml"), limits);
  const [grpcPort, http, debug] = [await freePort(), await freePort(), await freePort()];
  const server = await startProcess({
    name: "ratelimit",
    command: program,
    args: [],
    env: {
      ...{ RUNTIME_ROOT: runtime, RUNTIME_SUBDIRECTORY: "bench", RUNTIME_WATCH_ROOT: "false" },
      ...{ REDIS_TYPE: "SINGLE", REDIS_SOCKET_TYPE: "tcp", REDIS_URL: new URL(redis.url).host },
      ...{ USE_STATSD: "false", DISABLE_STATS: "true", LOG_LEVEL: "error" },
      ...{ HOST: "127.0.0.1", PORT: String(http) },
      ...{ GRPC_HOST: "127.0.0.1", GRPC_PORT: String(grpcPort) },
      ...{ DEBUG_HOST: "127.0.0.1", DEBUG_PORT: String(debug) },
    },
    ready: async () => (await send(`http://127.0.0.1:${http}/healthcheck`)).status === 200,
  });
  cleanup.add(() => server.stop());
  return { pid: server.pid, grpcPort, redis };
}
