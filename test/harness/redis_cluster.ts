import { Redis } from "ioredis";
import { freePort, isFree } from "./process.js";
import { type OwnRedis, type RedisControls, type RedisSettings, startRedisServer } from "./redis.js";
import type { RedisCertificates } from "./redis_tls.js";
import { until } from "./until.js";

export interface ClusterNode {
  /** `host:port`, as clients are told of it. */
  readonly name: string;
  /** Its id in the cluster. */
  readonly id: string;
  readonly controls: RedisControls;
  /** A connection of the test's own to this node alone, in plain text. */
  readonly raw: Redis;
}

/** Three primaries that share the slots evenly, in order; a dead one leaves the slots of the others served. */
export interface OwnCluster {
  readonly nodes: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** Starts a further node that copies one of them, and waits until it has and every primary knows of it. */
  addReplica(of: ClusterNode): Promise<ClusterNode>;
  /** A replica takes over from its living primary, by the votes of the others. */
  handOver(to: ClusterNode): Promise<void>;
  /** Resolves when every one of these nodes knows the whole cluster and takes commands. */
  untilWhole(nodes?: readonly ClusterNode[]): Promise<void>;
  stop(): Promise<void>;
}

export const slotCount = 16_384;
/** The cluster's own connections are on the port so much higher. */
const busOffset = 10_000;

/** A real cluster of servers on this host. With certificates its nodes speak TLS to clients and to each other. */
export async function startRedisCluster(program: string, certificates?: RedisCertificates): Promise<OwnCluster> {
  const started: (ClusterNode & Pick<OwnRedis, "stop">)[] = [];
  const add = async () => {
    const node = await startNode(program, certificates);
    started.push(node);
    return node;
  };
  const stop = async () => {
    for (const { raw, stop } of started) {
      raw.disconnect();
      await stop();
    }
  };
  try {
    const nodes = [await add(), await add(), await add()] as const;
    await join(nodes);
    return {
      nodes,
      addReplica: async (of) => {
        const node = await add();
        await meet(of, node);
        await until(async () => (await node.raw.call("CLUSTER", "REPLICATE", of.id)) === "OK", { what: "a replica" });
        await until(async () => /^master_link_status:up/m.test(await node.raw.info("replication")), {
          what: "the replica's copy",
        });
        // Who has not heard of it yet gives it no vote.
        for (const { name, raw } of nodes) {
          await until(async () => isReplica(String(await raw.cluster("NODES")), node, of), {
            what: `${name} to know the replica`,
          });
        }
        return node;
      },
      handOver,
      untilWhole: (some = nodes) => untilWhole(some),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Which of the nodes has the slot at the beginning. */
export function firstOwner(slot: number): number {
  return Math.floor((slot * 3) / slotCount);
}

async function startNode(program: string, certificates?: RedisCertificates) {
  const [port, secure] = [await freeBusPort(), certificates && (await freeBusPort())];
  const settings: RedisSettings = {
    "cluster-enabled": "yes",
    "cluster-config-file": "nodes.conf",
    // Long, so that a busy machine makes no node look dead; failovers are asked for.
    "cluster-node-timeout": "30000",
    "cluster-require-full-coverage": "no",
    ...(certificates && {
      ...certificates.settings,
      "tls-port": String(secure),
      "tls-cluster": "yes",
      "tls-replication": "yes",
    }),
  };
  const { url, controls, stop } = await startRedisServer(program, settings, port);
  const raw = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  raw.on("error", () => {});
  return { name: `127.0.0.1:${secure ?? port}`, id: String(await raw.cluster("MYID")), controls, stop, raw };
}

async function join(nodes: readonly ClusterNode[]): Promise<void> {
  const [first] = nodes;
  for (const [n, node] of nodes.entries()) {
    await node.raw.call("CLUSTER", "SET-CONFIG-EPOCH", String(n + 1));
    const slots = Array.from({ length: slotCount }, (_, slot) => slot).filter((slot) => firstOwner(slot) === n);
    await node.raw.call("CLUSTER", "ADDSLOTS", ...slots);
    if (first && node !== first) await meet(first, node);
  }
  await untilWhole(nodes);
}

/** The bus port must be given where it does not follow from the port of clients in plain text. */
async function meet(known: ClusterNode, other: ClusterNode): Promise<void> {
  const port = Number(other.name.split(":")[1]);
  await known.raw.call("CLUSTER", "MEET", "127.0.0.1", String(port), String(port + busOffset));
}

async function untilWhole(nodes: readonly ClusterNode[]): Promise<void> {
  for (const { name, raw } of nodes) {
    await until(
      async () => {
        const info = String(await raw.cluster("INFO"));
        const whole = /^cluster_slots_ok:16384\r?$/m.test(info) && /^cluster_state:ok/m.test(info);
        return whole && /^cluster_known_nodes:(\d+)/m.exec(info)?.[1] !== "1";
      },
      { what: `${name} to know the whole cluster` },
    );
  }
}

function isReplica(nodes: string, { id }: ClusterNode, of: ClusterNode): boolean {
  return nodes.split("\n").some((line) => line.startsWith(`${id} `) && line.includes(`slave ${of.id} `));
}

/** A server forgets a request that was not carried out after 5 s (`CLUSTER_MF_TIMEOUT`), as on a busy machine. */
async function handOver({ raw }: ClusterNode): Promise<void> {
  const isPrimary = async () => ((await raw.call("ROLE")) as string[])[0] === "master";
  await until(
    async () => {
      if (!(await isPrimary())) await raw.call("CLUSTER", "FAILOVER");
      await until(isPrimary, { what: "the votes", timeoutMs: 6000 });
      return true;
    },
    { what: "the hand-over", timeoutMs: 120_000 },
  );
}

/** A free port whose bus port is free as well. */
async function freeBusPort(): Promise<number> {
  return until(
    async () => {
      const port = await freePort();
      return port + busOffset < 65_536 && (await isFree(port + busOffset)) ? port : undefined;
    },
    { what: "two free ports" },
  );
}
