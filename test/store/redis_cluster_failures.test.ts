import { type Store, StoreUnavailable } from "../../src/store/store.js";
import { redisProgram } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type OwnCluster, startRedisCluster } from "../harness/redis_cluster.js";
import { until } from "../harness/until.js";
import { oneOnEach, spend, spentBy } from "./cluster_fixture.js";
import { seenCall } from "./fallback_subject.js";
import { cleanUp, connected, connectionOf, generousMs, recovered, refusedWithin } from "./redis_fixture.js";
import { callOf, unique } from "./subject.js";

const part = await requirePart("redis-server", redisProgram);

describeWith(part, "failures of a cluster", (use) => {
  let cluster: OwnCluster;
  let store: Store;
  let agents: [string, string, string];
  beforeEach(async () => {
    cluster = await startRedisCluster(use());
    store = await connected({ cluster: cluster.nodes.map(({ name }) => name) });
    agents = await oneOnEach(cluster);
    for (const agent of agents) await until(() => spend(store, agent), { what: "the first call" });
  });
  afterEach(async () => {
    await cleanUp();
    await cluster.stop();
  });

  /** Calls of agents whose nodes work; a busy machine may need more than one wait for one. */
  async function goOn(some: readonly string[]): Promise<void> {
    for (const agent of some) await until(() => spend(store, agent), { what: `a call of ${agent}` });
  }

  test("a killed node: its agents are refused within the wait, others go on; then working, with the same store", async () => {
    const [{ controls, name }] = cluster.nodes;
    const [dead, ...living] = agents;
    await controls.kill();
    for (let n = 0; n < 3; n++) {
      await refusedWithin(generousMs, () => spend(store, dead));
      await goOn(living);
    }
    await expect(store.ping()).rejects.toThrow(name);
    const many = await Promise.allSettled(Array.from({ length: 300 }, () => spend(store, dead)));
    for (const one of many) expect(one).toMatchObject({ status: "rejected", reason: expect.any(StoreUnavailable) });
    await controls.restart();
    await recovered(store);
    await goOn(agents);
    // It kept nothing.
    expect(await spentBy(store, dead)).toBe(1);
  });

  test("a session that could not be indexed is, with the repeated call or the next one", async () => {
    const [{ controls }] = cluster.nodes;
    const [, agent] = agents;
    const call = (session: string, key: string) =>
      store.settle(callOf(agent, {}, { key, observation: seenCall(session, "x") }));
    await controls.kill();
    const sessions = Array.from({ length: 30 }, () => unique("session"));
    const failed: string[] = [];
    for (const session of sessions) await call(session, session).catch(() => failed.push(session));
    const [repeated = "", called = ""] = failed;
    expect(failed.length).toBeGreaterThan(2);
    await controls.restart();
    await recovered(store);
    await until(() => call(repeated, repeated), { what: "the repeated call" });
    await until(() => call(called, unique("key")), { what: "the next call" });
    for (const session of [repeated, called]) expect(await store.sessionAgents(session)).toEqual([agent]);
  });

  test("a store may be opened while a node is away", async () => {
    await cluster.nodes[0].controls.kill();
    const other = await connected({ cluster: cluster.nodes.map(({ name }) => name) });
    await until(() => spend(other, agents[1]), { what: "a call" });
    await refusedWithin(generousMs, () => spend(other, agents[0]));
  });

  test("a node that hangs: others go on, and nothing waits for it to come back", async () => {
    const [{ controls, raw }] = cluster.nodes;
    const [hanging, ...living] = agents;
    const before = await connectionOf(raw);
    const spent = await spentBy(store, hanging);
    await controls.pause();
    for (let n = 0; n < 5; n++) {
      await refusedWithin(generousMs, () => spend(store, hanging));
      await goOn(living);
    }
    await controls.resume();
    await recovered(store);
    // The first one may have been on its way; the others were refused before they were sent.
    expect((await spentBy(store, hanging)) - spent).toBeLessThanOrEqual(1);
    expect(await connectionOf(raw)).not.toBe(before);
    await goOn(agents);
  });

  test("a primary that hands over to its replica: the new one is found, and counts on", async () => {
    const [old] = cluster.nodes;
    const [agent] = agents;
    const replica = await cluster.addReplica(old);
    await until(async () => /^slave0:.*state=online/m.test(await old.raw.info("replication")), { what: "the copy" });
    const spent = await spentBy(store, agent);
    await cluster.handOver(replica);
    let [passed, refused] = [0, 0];
    for (let n = 0; n < 50; n++) {
      await spend(store, agent).then(
        () => passed++,
        (error: unknown) => {
          expect(error).toBeInstanceOf(StoreUnavailable);
          refused++;
        },
      );
    }
    expect(passed).toBeGreaterThan(0);
    const now = await until(() => spentBy(store, agent), { what: "the sum" });
    expect(now - spent).toBeGreaterThanOrEqual(passed);
    expect(now - spent).toBeLessThanOrEqual(passed + refused);
    expect((await replica.raw.info("commandstats")).includes("cmdstat_evalsha")).toBe(true);
  });

  test("a killed primary whose replica takes over: working again without it", async () => {
    const [old] = cluster.nodes;
    const [agent] = agents;
    const replica = await cluster.addReplica(old);
    await until(async () => Number(await old.raw.wait(1, 1000)) === 1, { what: "the copy" });
    const spent = await spentBy(store, agent);
    await old.controls.kill();
    await refusedWithin(generousMs, () => spend(store, agent));
    await replica.raw.call("CLUSTER", "FAILOVER", "TAKEOVER");
    await until(() => spend(store, agent), { what: "the new primary" });
    expect(await until(() => spentBy(store, agent), { what: "the sum" })).toBeGreaterThan(spent);
    await goOn(agents);
    await recovered(store);
  });
});
