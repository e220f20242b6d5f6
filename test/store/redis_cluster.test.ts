import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "ioredis";
import type { KnownCounters } from "../../src/store/store.js";
import { redisProgram, startRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { firstOwner, type OwnCluster, startRedisCluster } from "../harness/redis_cluster.js";
import { agentOn, oneOnEach, slotOfAgent, spend, spentBy } from "./cluster_fixture.js";
import { conformance } from "./conformance.js";
import { redisRegistryConformance } from "./conformance_registry.js";
import { cleanUp, connected, hourly } from "./redis_fixture.js";
import { clusterSubject, type RedisSubject } from "./redis_subject.js";
import { answerOf, callOf, draftOf, knownOf, open, redeem, unique } from "./subject.js";

const part = await requirePart("redis-server", redisProgram);

describeWith(part, "a Redis cluster", (use) => {
  let cluster: OwnCluster;
  let subject: RedisSubject<Cluster>;
  const names = () => cluster.nodes.map(({ name }) => name);
  const placeOf = (...nodes: string[]) => ({ cluster: nodes });
  beforeAll(async () => {
    cluster = await startRedisCluster(use());
    subject = await clusterSubject(names());
  });
  afterAll(async () => {
    await subject.end();
    await cleanUp();
    await cluster.stop();
  });

  describe("conformance", () => conformance(() => clusterSubject(names()), 30));

  describe("registry", () =>
    redisRegistryConformance(
      () => subject,
      () => placeOf(...names()),
    ));

  test("agents are on all three nodes, each with all of its keys", async () => {
    const { store, prefix } = subject;
    const agents = await oneOnEach(cluster);
    for (const agent of agents) {
      const draft = draftOf(agent);
      expect((await store.settle(callOf(agent, hourly))).enforced).toEqual({ outcome: "ok" });
      expect((await store.settle(callOf(agent, hourly))).enforced).toMatchObject({ outcome: "rate_exceeded" });
      await open(store, draft);
      expect(await store.answer(draft.id, answerOf("alice", "approve"))).toMatchObject({ outcome: "approved" });
      expect((await redeem(store, draft)).approval).toEqual({ outcome: "redeemed" });
    }
    for (const [n, agent] of agents.entries()) {
      const counts = await Promise.all(cluster.nodes.map(({ raw }) => raw.keys(`${prefix}{${agent}}:*`)));
      expect(counts.map((keys) => keys.length > 0)).toEqual([0, 1, 2].map((node) => node === n));
      expect(firstOwner(await slotOfAgent(cluster, agent))).toBe(n);
    }
  });

  test("one list and one session have what is on all nodes", async () => {
    const { store } = subject;
    const agents = await oneOnEach(cluster);
    const drafts = agents.map((agent) => draftOf(agent));
    for (const draft of drafts) await open(store, draft);
    const listed = (await store.approvals({ status: "pending", limit: 1000 })).map(({ id }) => id);
    expect(listed).toEqual(expect.arrayContaining(drafts.map(({ id }) => id)));
    await store.answer(drafts[1]?.id ?? "", answerOf("alice", "deny"));
    const still = (await store.approvals({ status: "pending", limit: 1000 })).map(({ id }) => id);
    expect(drafts.map(({ id }) => still.includes(id))).toEqual([true, false, true]);
  });

  test("a store finds the others by any one node, also by its name", async () => {
    const agents = await oneOnEach(cluster);
    for (const name of [...names(), cluster.nodes[1].name.replace("127.0.0.1", "localhost")]) {
      const store = await connected(placeOf("127.0.0.1:1", name), { waitMs: 5000 });
      for (const agent of agents) expect((await spend(store, agent)).enforced).toEqual({ outcome: "ok" });
    }
    const store = await connected(placeOf(cluster.nodes[0].name), { waitMs: 5000 });
    for (const agent of agents) expect(await spentBy(store, agent)).toBe(4);
  });

  test("ping writes to every node", async () => {
    const { store, prefix } = subject;
    const found = async () =>
      (await Promise.all(cluster.nodes.map(({ raw }) => raw.keys(`${prefix}ping*`)))).map((keys) => keys.length);
    await sleep(1100);
    expect(await found()).toEqual([0, 0, 0]);
    await store.ping();
    expect(await found()).toEqual([1, 1, 1]);
  });

  test("scripts that were flushed on one node are sent to it again", async () => {
    const { store } = subject;
    const agents = await oneOnEach(cluster);
    const drafts = agents.map((agent) => draftOf(agent));
    for (const draft of drafts) await open(store, draft);
    await cluster.nodes[1].raw.script("FLUSH");
    const answers = drafts.map(({ id }) => store.answer(id, answerOf("alice", "approve")));
    for (const { outcome } of await Promise.all(answers)) expect(outcome).toBe("approved");
    await cluster.nodes[1].raw.script("FLUSH");
    const passed = await Promise.all(agents.map((agent) => store.settle(callOf(agent, hourly))));
    for (const { enforced } of passed) expect(enforced).toEqual({ outcome: "ok" });
  });

  test("a node that was emptied goes on from what is known, the others from what they have", async () => {
    const { store } = subject;
    const agents = await oneOnEach(cluster);
    const known = new Map<string, KnownCounters>();
    for (const agent of agents) {
      known.set(agent, knownOf(await store.settle(callOf(agent, hourly))));
    }
    await cluster.nodes[0].raw.flushall();
    for (const [n, agent] of agents.entries()) {
      const before = known.get(agent);
      const { enforced, counters } = await store.settle(callOf(agent, hourly, before ? { known: before } : {}));
      expect([enforced.outcome, counters?.lostAtMs]).toEqual(["rate_exceeded", n === 0 ? counters?.nowMs : null]);
    }
    const fresh = await agentOn(cluster, 0);
    expect((await store.settle(callOf(fresh, hourly))).enforced).toEqual({ outcome: "ok" });
  });

  test("a node by its URL is told to be one of a cluster, and a server of none is no cluster", async () => {
    const [{ name }] = cluster.nodes;
    await expect(connected(`redis://${name}`)).rejects.toThrow("write store: {cluster: [host:port, ...]}");
    const single = await startRedis();
    try {
      const node = new URL(single.url).host;
      await expect(connected(placeOf(node))).rejects.toThrow(
        `the Redis cluster at ${node} cannot be used: no node tells in time who serves the slot: ${node}: ERR This instance has cluster support disabled`,
      );
    } finally {
      await single.stop();
    }
  });

  test("nobody there is an error that names the addresses and the cause", async () => {
    await expect(connected(placeOf("127.0.0.1:1", "127.0.0.1:2"))).rejects.toThrow(
      /^the Redis cluster at 127\.0\.0\.1:1, 127\.0\.0\.1:2 cannot be used: .*ECONNREFUSED/,
    );
    const store = await connected(placeOf(...names()));
    await store.close();
    await expect(store.ping()).rejects.toThrow("the store is closed");
    await expect(spend(store, unique("agent"))).rejects.toThrow("the store is closed");
  });
});
