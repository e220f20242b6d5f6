import { setTimeout as sleep } from "node:timers/promises";
import { redisProgram } from "./find_redis.js";
import { describeWith, requirePart } from "./parts.js";
import { type OwnCluster, startRedisCluster } from "./redis_cluster.js";

const part = await requirePart("redis-server", redisProgram);

describeWith(part, "a cluster of our own", (use) => {
  let cluster: OwnCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster(use());
  });
  afterAll(() => cluster.stop());

  test("has three primaries that send on to each other", async () => {
    const names = cluster.nodes.map(({ name }) => name);
    expect(new Set(names).size).toBe(3);
    const answers = await Promise.all(
      cluster.nodes.map(({ raw }) => raw.get("a").catch(({ message }: Error) => message)),
    );
    // Slot of "a", by the specification of Redis Cluster.
    const moved = `MOVED 15495 ${names[2]}`;
    expect(answers).toEqual([moved, moved, null]);
  });

  test("a dead node leaves the others at work, and comes back to its slots", async () => {
    const [first, second, third] = cluster.nodes;
    await third.controls.kill();
    expect(await first.raw.set("b", "1")).toBe("OK");
    await expect(second.raw.get("b")).rejects.toThrow(`MOVED 3300 ${first.name}`);
    await third.controls.restart();
    await cluster.untilWhole();
    expect(await third.raw.get("a")).toBeNull();
  });

  test("a hand-over whose votes come too late is asked for again", async () => {
    const [first, ...voters] = cluster.nodes;
    const replica = await cluster.addReplica(first);
    for (const { controls } of voters) await controls.pause();
    const done = cluster.handOver(replica);
    // Longer than a server remembers the request.
    await sleep(5500);
    for (const { controls } of voters) await controls.resume();
    await done;
    expect(await replica.raw.get("b")).toBe("1");
  });
});
