import { maxScanned } from "../../src/store/store.js";
import { findRedis } from "../harness/find_redis.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { cleanUp, ownServer } from "./redis_fixture.js";
import { type RedisSubject, redisSubject } from "./redis_subject.js";
import { answerOf, draftOf, open, unique } from "./subject.js";

const part = await requirePart("Redis", findRedis);

afterAll(async () => {
  await cleanUp();
  if ("value" in part) await part.value.stop();
});

describeWith(part, "the list of pending approvals in Redis", () => {
  let subject: RedisSubject;
  let list: string;
  beforeEach(async () => {
    subject = await redisSubject((await ownServer()).url);
    list = `${subject.prefix}pending`;
  });
  afterEach(() => subject.end());

  const opened = async (more: Parameters<typeof draftOf>[1] = {}) => {
    const draft = draftOf(unique("agent"), more);
    await open(subject.store, draft);
    return { ...draft, entry: JSON.stringify([draft.agent, draft.id]) };
  };
  const pending = async (limit = 1000) =>
    (await subject.store.approvals({ status: "pending", limit })).map(({ id }) => id);
  const entries = () => subject.raw.zrange(list, 0, -1);

  test("an answer that ends it takes it off the list; one of two does not", async () => {
    const [denied, approved, half] = [await opened(), await opened(), await opened({ quorum: 2 })];
    await subject.store.answer(denied.id, answerOf("alice", "deny"));
    for (const { id } of [approved, half]) await subject.store.answer(id, answerOf("alice", "approve"));
    expect(await entries()).toEqual([half.entry]);
  });

  test("an answer holds when the list cannot be written", async () => {
    const draft = await opened();
    await subject.raw.set(list, "no list");
    expect(await subject.store.answer(draft.id, answerOf("alice", "deny"))).toMatchObject({ outcome: "denied" });
  });

  test("what turns out not to be pending is left out, and dropped", async () => {
    const [over, gone, waiting] = [await opened(), await opened(), await opened()];
    await subject.store.answer(over.id, answerOf("alice", "deny"));
    await subject.raw.zadd(list, Date.now() + 1000, over.entry);
    await subject.raw.del(`${subject.prefix}{${gone.agent}}:approval:${gone.id}`);
    expect(await entries()).toHaveLength(3);
    expect(await pending(1)).toEqual([waiting.id]);
    expect(await entries()).toEqual([waiting.entry]);
    await subject.raw.zadd(`${subject.prefix}{${over.agent}}:waiting`, Date.now() + 1000, over.id);
    expect(await subject.store.approvals({ status: "pending", agent: over.agent, limit: 9 })).toEqual([]);
    expect(await subject.raw.exists(`${subject.prefix}{${over.agent}}:waiting`)).toBe(0);
  });

  test("expired ones are dropped by who opens the next, and by who reads", async () => {
    await opened();
    const past = Array.from({ length: maxScanned }, (_, n) => [Date.now() - 1, JSON.stringify(["gone", `${n}`])]);
    await subject.raw.zadd(list, ...past.flat());
    await opened();
    expect(await entries()).toHaveLength(2);
    await subject.raw.zadd(list, ...past.flat());
    expect(await pending()).toHaveLength(2);
    expect(await entries()).toHaveLength(2);
  });

  test("so many are looked at and no more", async () => {
    const draft = await opened();
    const sooner = Array.from({ length: maxScanned }, (_, n) => [Date.now() + 60_000, `["gone","${n}"]`]);
    await subject.raw.zadd(list, ...sooner.flat());
    expect(await pending()).toEqual([]);
    // Those that lead nowhere were dropped on the way.
    expect(await pending()).toEqual([draft.id]);
  });

  test("the list lives as long as the last of them", async () => {
    await opened({ expiresInMs: 600_000 });
    await opened({ expiresInMs: 60_000 });
    const left = await subject.raw.pttl(list);
    expect(left).toBeGreaterThan(500_000);
    expect(left).toBeLessThanOrEqual(600_000);
  });

  test("what cannot be read is left out and told, and hides nothing", async () => {
    const [broken, draft] = [await opened(), await opened()];
    await subject.raw.hset(`${subject.prefix}{${broken.agent}}:approval:${broken.id}`, "draft", "{");
    for (const other of ["", "{}", '["a",""]']) await subject.raw.zadd(list, Date.now() + 1000, other);
    expect(await pending()).toEqual([draft.id]);
    expect(subject.troubles).toEqual([expect.stringMatching(/^4 approvals are left out of a list: /)]);
  });
});
