import { redisProgram, startRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { firstOwner, startRedisCluster } from "../harness/redis_cluster.js";
import { slotOfAgent } from "../store/cluster_fixture.js";

/** A real store of its own, for limits that have to be exact. */
export interface ExactStore {
  /** As `COUNTERSIGN_STORE` takes it. */
  place: string;
  /** Three names of agents; those of a cluster are on three nodes. */
  names(kind: string): Promise<[string, string, string]>;
  stop(): Promise<void>;
}

const oneServer = async (): Promise<ExactStore> => {
  const { url, stop } = await startRedis();
  return { place: url, names: async (kind) => [`${kind}-1`, `${kind}-2`, `${kind}-3`], stop };
};

const threeNodes = (program: string) => async (): Promise<ExactStore> => {
  const cluster = await startRedisCluster(program);
  const nameOn = async (kind: string, node: number): Promise<string> => {
    for (let n = 1; ; n++) {
      const name = `${kind}-${n}`;
      if (firstOwner(await slotOfAgent(cluster, name)) === node) return name;
    }
  };
  return {
    place: JSON.stringify({ cluster: cluster.nodes.map(({ name }) => name) }),
    names: async (kind) => [await nameOn(kind, 0), await nameOn(kind, 1), await nameOn(kind, 2)],
    stop: cluster.stop,
  };
};

const program = await requirePart("redis-server", redisProgram);
const single =
  "value" in program
    ? { value: oneServer }
    : await requirePart("Redis", async () => {
        await (await startRedis()).stop();
        return oneServer;
      });

/** The same tests over one Redis and over a cluster. */
export function describeExact(title: string, body: (start: () => Promise<ExactStore>) => void): void {
  describeWith(single, `${title}, one Redis`, (use) => body(() => use()()));
  describeWith(program, `${title}, a cluster`, (use) => body(() => threeNodes(use())()));
}
