import type { Charge } from "../../src/store/store.js";
import { redisProgram } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { type OwnCluster, startRedisCluster } from "../harness/redis_cluster.js";
import { until } from "../harness/until.js";
import { oneOnEach } from "./cluster_fixture.js";
import { fallbackOver, lookAt, seenCall } from "./fallback_subject.js";
import { cleanUp, connected } from "./redis_fixture.js";
import { callOf, draftOf, open } from "./subject.js";

const part = await requirePart("redis-server", redisProgram);
describeWith(part, "a cluster without one of its nodes", (use) => {
  let cluster: OwnCluster;
  beforeEach(async () => {
    cluster = await startRedisCluster(use());
  });
  afterEach(async () => {
    await cleanUp();
    await cluster.stop();
  });

  test("only its agents go on with a share; to the others nothing happens", async () => {
    // A machine that is busy must not look like a node that is away.
    const waitMs = 5_000;
    const place = { cluster: cluster.nodes.map(({ name }) => name) };
    const fallback = fallbackOver(await connected(place, { waitMs }), { fraction: 0.1, waitMs });
    const { store, trouble, events } = fallback;
    const [dead, ...living] = await oneOnEach(cluster);
    const budget: Charge = { budget: { limitMicro: 50, costMicro: 1 } };
    const passing = async (agent: string, calls: number) => {
      const passed = { stored: 0, local: 0 };
      for (let n = 0; n < calls; n++) {
        // Of one session of each agent, which the index that lies elsewhere knows from the first call on.
        const observation = seenCall(`session of ${agent}`, `${n}`);
        const { enforced, local } = await store.settle(callOf(agent, budget, { observation }));
        if (enforced.outcome === "ok") passed[local ? "local" : "stored"] += 1;
      }
      return passed;
    };
    for (const agent of [dead, ...living]) expect(await passing(agent, 10)).toEqual({ stored: 10, local: 0 });

    const [{ controls, name }] = cluster.nodes;
    await controls.pause();
    expect(await passing(dead, 20)).toEqual({ stored: 0, local: 5 });
    expect(trouble()).toContain(name);
    for (const agent of living) {
      expect(await passing(agent, 10)).toEqual({ stored: 10, local: 0 });
      expect((await store.look(lookAt(agent, `session of ${agent}`))).session).toMatchObject({ passed: 20 });
    }
    expect(events).toEqual(["away"]);
    await controls.resume();
    await until(() => trouble() === null, { what: "the node to be back" });
    const { session } = await store.look(lookAt(dead, `session of ${dead}`));
    const { stored, local } = await passing(dead, 60);
    expect(local).toBe(0);
    // The call that found out may have been settled by the node too, though nobody heard of it.
    const twice = 40 - stored;
    expect([0, 1]).toContain(twice);
    // Those that the share did not cover are told as one.
    expect(session?.calls).toBe(10 + 5 + 1 + twice);
    expect(await open(store, draftOf(dead))).toMatchObject({ approval: { outcome: "opened" } });
    await store.close();
  });
});
