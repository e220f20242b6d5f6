import { StoreUnavailable } from "../../src/store/store.js";
import { redisProgram } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type ClusterNode, type OwnCluster, startRedisCluster } from "../harness/redis_cluster.js";
import { until } from "../harness/until.js";
import { agentOn, slotOfAgent, spend, spentBy } from "./cluster_fixture.js";
import { cleanUp, connected, waitMs } from "./redis_fixture.js";
import { answerOf, draftOf, open, redeem, unique } from "./subject.js";

const part = await requirePart("redis-server", redisProgram);

describeWith(part, "slots that move", (use) => {
  let cluster: OwnCluster;
  const place = () => ({ cluster: cluster.nodes.map(({ name }) => name) });
  beforeAll(async () => {
    cluster = await startRedisCluster(use());
  });
  afterAll(async () => {
    await cleanUp();
    await cluster.stop();
  });

  /** Error replies of one kind, of all nodes together. */
  async function told(kind: "MOVED" | "ASK" | "TRYAGAIN"): Promise<number> {
    const infos = await Promise.all(cluster.nodes.map(({ raw }) => raw.info("errorstats")));
    return infos.reduce(
      (sum, info) => sum + Number(new RegExp(`errorstat_${kind}:count=(\\d+)`).exec(info)?.[1] ?? 0),
      0,
    );
  }

  async function begin(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
    await to.raw.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
    await from.raw.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
  }

  /** Some of the keys that are still there; false when there is none. */
  async function carry(slot: number, from: ClusterNode, to: ClusterNode, most: number): Promise<boolean> {
    const keys = (await from.raw.cluster("GETKEYSINSLOT", slot, most)) as string[];
    const [host = "", port = ""] = to.name.split(":");
    if (keys.length > 0) await from.raw.call("MIGRATE", host, port, "", 0, 5000, "KEYS", ...keys);
    return keys.length > 0;
  }

  async function finish(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
    while (await carry(slot, from, to, 100));
    for (const { raw } of [to, from, ...cluster.nodes]) await raw.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
    await agreedOn(to);
  }

  /**
   * Waits until all nodes know since when the node has its slots. Who moves a slot on before that makes two nodes claim it,
   * and one of them throws the keys away.
   */
  async function agreedOn({ id, name }: ClusterNode): Promise<void> {
    const epochAt = async ({ raw }: ClusterNode) =>
      new RegExp(`^${id} (?:\\S+ ){5}(\\d+)`, "m").exec(String(await raw.cluster("NODES")))?.[1];
    await until(
      async () => {
        const epochs = await Promise.all(cluster.nodes.map(epochAt));
        return epochs[0] !== undefined && new Set(epochs).size === 1;
      },
      { what: `agreement on ${name}`, timeoutMs: 60_000 },
    );
  }

  async function move(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
    await begin(slot, from, to);
    while (await carry(slot, from, to, 3));
    await finish(slot, from, to);
  }

  test("while a slot moves to and fro under load, every call is charged once or refused", async () => {
    const [first, second] = cluster.nodes;
    const agent = await agentOn(cluster, 0);
    const slot = await slotOfAgent(cluster, agent);
    const store = await connected(place());
    let moving = true;
    const refused: string[] = [];
    let passed = 0;
    const caller = async (): Promise<void> => {
      while (moving) {
        const key = unique("key");
        await spend(store, agent, key).then(
          () => passed++,
          (error: unknown) => {
            expect(error).toBeInstanceOf(StoreUnavailable);
            refused.push(key);
          },
        );
      }
    };
    const callers = Array.from({ length: 8 }, caller);
    for (let n = 0; n < 6; n++) {
      for (const [from, to] of [[first, second] as const, [second, first] as const]) {
        const before = passed;
        await until(() => passed >= before + 20, { what: "calls before the move", timeoutMs: 60_000 });
        await move(slot, from, to);
      }
    }
    moving = false;
    await Promise.all(callers);
    const patient = await connected(place(), { waitMs: 20_000 });
    const spent = await spentBy(patient, agent);
    expect(passed).toBeGreaterThan(0);
    expect(spent).toBeGreaterThanOrEqual(passed);
    expect(spent).toBeLessThanOrEqual(passed + refused.length);
    // Whether a refused one was charged is found out by its key.
    for (const key of refused) await spend(patient, agent, key);
    expect(await spentBy(patient, agent)).toBe(passed + refused.length);
    expect(await told("MOVED")).toBeGreaterThan(0);
    expect((await told("ASK")) + (await told("TRYAGAIN"))).toBeGreaterThan(0);
  });

  test("a call that meets a slot half way is weighed when it has arrived", async () => {
    const [, second, third] = cluster.nodes;
    const agent = await agentOn(cluster, 1);
    const slot = await slotOfAgent(cluster, agent);
    const patient = await connected(place(), { waitMs: 20_000 });
    const hasty = await connected(place());
    await spend(patient, agent);
    await begin(slot, second, third);
    await carry(slot, second, third, 1);
    const before = performance.now();
    await expect(spend(hasty, agent)).rejects.toThrow(StoreUnavailable);
    expect(performance.now() - before).toBeGreaterThanOrEqual(waitMs - 1);
    const waiting = spend(patient, agent);
    await finish(slot, second, third);
    expect((await waiting).enforced).toEqual({ outcome: "ok" });
    expect(await spentBy(patient, agent)).toBe(2);
    expect(await told("TRYAGAIN")).toBeGreaterThan(0);
    await move(slot, third, second);
  });

  test("what has only one key is found while it is on its way", async () => {
    const store = await connected(place(), { waitMs: 20_000, prefix: "asked:" });
    const draft = draftOf(await agentOn(cluster, 2));
    await open(store, draft);
    const locator = `asked:approval:${draft.id}`;
    const slot = Number(await cluster.nodes[0].raw.cluster("KEYSLOT", locator));
    const owners = await Promise.all(cluster.nodes.map(({ raw }) => raw.cluster("COUNTKEYSINSLOT", slot)));
    const from = cluster.nodes[owners.findIndex((count) => Number(count) > 0)] ?? cluster.nodes[0];
    const to = cluster.nodes.find((node) => node !== from) ?? cluster.nodes[1];
    await begin(slot, from, to);
    await carry(slot, from, to, 100);
    const before = await told("ASK");
    expect(await store.approval(draft.id)).toMatchObject({ id: draft.id });
    expect(await store.answer(draft.id, answerOf("alice", "approve"))).toMatchObject({ outcome: "approved" });
    expect(await told("ASK")).toBeGreaterThan(before);
    await finish(slot, from, to);
    expect((await redeem(store, draft)).approval).toEqual({ outcome: "redeemed" });
  });
});
