import { deploy, files } from "./calls.js";
import { startWorld, type World } from "./world.js";

let world: World;
beforeEach(async () => {
  world = await startWorld(files);
});
afterEach(() => world.close());

const body = (more: object) => Buffer.from(JSON.stringify({ environment: "production", ...more }));

test("an agent with 100 approvals pending gets no further one, and an answer makes room", async () => {
  const ask = async (n: number) => world.ask(deploy("asking", { body: body({ n }) }));
  const [first] = await Promise.all(Array.from({ length: 100 }, (_, n) => ask(n)));
  const told = await ask(100);
  expect(told).toMatchObject({ status: 429, metadata: { decision: "deny", reason: "approvals_exceeded" } });
  expect(told.headers).toMatchObject({
    "retry-after": expect.stringMatching(/^\d+$/),
    "ratelimit-policy": '"pending-approvals";q=100;w=900',
    ratelimit: expect.stringMatching(/^"pending-approvals";r=0;t=\d+$/),
  });
  expect(JSON.parse(told.body)).toMatchObject({
    error: "RateLimited",
    detail: "the agent has too many approvals waiting for people",
  });
  expect((await world.records()).at(-1)).toMatchObject({ decision: "deny", reason: "approvals_exceeded" });
  expect((await ask(0)).metadata.reason).toBe("approval_needed");

  const alice = world.workspace.registry.person("alice@example.com");
  if (!alice || !first) throw new Error("nobody to answer, or nothing");
  await world.approvals.answer(JSON.parse(first.body).approval.id, alice, { decision: "deny" });
  expect((await ask(100)).metadata.reason).toBe("approval_needed");
  expect((await ask(101)).metadata.reason).toBe("approvals_exceeded");
});

test("a call that nobody could read whole is asked of nobody", async () => {
  const told = await world.ask(deploy("asking", { body: body({ note: "x".repeat(65_536) }) }));
  expect(told).toMatchObject({ status: 403, metadata: { decision: "deny", reason: "approval_too_large" } });
  expect(JSON.parse(told.body)).toMatchObject({ error: "PolicyViolation" });
  expect(await world.approvals.list({ limit: 10 })).toEqual([]);
  const smaller = await world.ask(deploy("asking", { body: body({ note: "x".repeat(60_000) }) }));
  expect(smaller.metadata.reason).toBe("approval_needed");
});
