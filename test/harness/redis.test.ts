import { Redis } from "ioredis";
import { findRedis, startRedis } from "./find_redis.js";
import { describeWith, requirePart } from "./parts.js";
import { answersPing, type OwnRedis } from "./redis.js";
import { until } from "./until.js";

const part = await requirePart("Redis", startRedis);

describeWith(part, "a Redis of our own", (use) => {
  let redis: OwnRedis;
  let client: Redis;
  beforeAll(() => {
    redis = use();
    client = new Redis(redis.url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on("error", () => {});
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });

  test("stops answering while paused, and goes on", async () => {
    await client.set("a", "1");
    await redis.controls.pause();
    const late = client.get("a");
    const first = await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 100, "nothing"))]);
    expect(first).toBe("nothing");
    await redis.controls.resume();
    expect(await late).toBe("1");
  });

  test("comes back empty at the same address", async () => {
    const { hostname, port } = new URL(redis.url);
    await redis.controls.kill();
    expect(await answersPing(hostname, Number(port))).toBe(false);
    await redis.controls.restart();
    expect(await until(async () => (await client.get("a")) === null, { what: "an empty server" })).toBe(true);
  });

  test("as REDIS_URL it is used, and not stopped", async () => {
    const before = process.env.REDIS_URL;
    process.env.REDIS_URL = redis.url;
    try {
      const found = await findRedis();
      expect([found.url, found.controls]).toEqual([redis.url, undefined]);
      await found.stop();
      expect(await client.ping()).toBe("PONG");
      process.env.REDIS_URL = "redis://127.0.0.1:1/0";
      await expect(findRedis()).rejects.toThrow("Redis is not here: nothing answers at REDIS_URL");
    } finally {
      if (before === undefined) delete process.env.REDIS_URL;
      else process.env.REDIS_URL = before;
    }
  });
});
