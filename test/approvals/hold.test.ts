import { verifyOverride } from "../../src/approvals/override_token.js";
import { Refusal } from "../../src/refusal.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { person, session, type World, world } from "./fixture.js";

const approve = (here: World, id: string, name = "bob") =>
  here.service.answer(id, person(name), { decision: "approve" });

const held = (id: string, more: object = {}) => ({
  id,
  agent: "deploy-manager",
  session: session.id,
  ms: 30_000,
  cancelled: () => false,
  ...more,
});

/** Runs `then` before the store is read for the `n`th time from now. */
function beforeRead(here: World, n: number, then: () => unknown): void {
  const { approval } = here.store;
  let reads = 0;
  here.store.approval = async (...given) => {
    reads += 1;
    if (reads === n) await then();
    return approval(...given);
  };
}

async function reason(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof Refusal ? error.reason : `not refused: ${error}`;
}

test("a call is held until it is approved, and gets its token", async () => {
  const here = await world();
  const id = await here.open();
  const holding = here.service.hold(held(id));
  await approve(here, id);
  const context = { key: here.key, now: here.nowMs, agent: "deploy-manager", session: session.id };
  expect(await verifyOverride((await holding) ?? "", context)).toMatchObject({ approvalId: id });
});

test("a quorum of two takes both answers", async () => {
  const here = await world();
  const id = await here.open({ quorum: 2, approvers: [["sre"]] });
  await approve(here, id);
  expect(await here.service.hold(held(id, { ms: 1 }))).toBeNull();
  const holding = here.service.hold(held(id));
  await approve(here, id, "carol@example.com");
  expect(await holding).toEqual(expect.any(String));
});

test("a denial ends it with a refusal", async () => {
  const here = await world();
  const id = await here.open();
  const holding = reason(here.service.hold(held(id)));
  await here.service.answer(id, person("bob"), { decision: "deny" });
  expect(await holding).toBe("approval_denied");
});

describe("it ends without a token", () => {
  test("when nobody answers in time", async () => {
    const here = await world();
    const started = performance.now();
    expect(await here.service.hold(held(await here.open(), { ms: 300 }))).toBeNull();
    expect(performance.now() - started).toBeGreaterThan(290);
  });

  test("also when the store is slow: its reads do not prolong the wait", async () => {
    const here = await world();
    const id = await here.open();
    let reads = 0;
    const { approval } = here.store;
    here.store.approval = async (...given) => {
      reads += 1;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return approval(...given);
    };
    await here.service.hold(held(id, { ms: 500 }));
    expect(reads).toBeLessThanOrEqual(3);
  });

  test("when the approval has expired, is used up, or is not the one that was opened", async () => {
    const here = await world();
    const [expiring, spent, changed] = [await here.open(), await here.open(), await here.open()];
    await approve(here, spent);
    const { fingerprint } = await here.stored(spent);
    const redeem = { kind: "redeem", id: spent, fingerprint } as const;
    await here.store.settle({ agent: "deploy-manager", key: "redeem", enforced: {}, approval: redeem });
    expect(await here.service.hold(held(spent))).toBeNull();

    beforeRead(here, 2, () => {
      here.nowMs += 900_000;
    });
    expect(await here.service.hold(held(expiring))).toBeNull();

    const { approval } = here.store;
    here.store.approval = async (...given) => {
      const found = await approval(...given);
      return found && { ...found, status: "approved", call: "evil" };
    };
    expect(await here.service.hold(held(changed))).toBeNull();
    expect(here.troubles).toEqual([expect.stringContaining("is not the one that was opened")]);
  });

  test("for another agent and another session", async () => {
    const here = await world();
    const id = await here.open();
    await approve(here, id);
    expect(await here.service.hold(held(id, { agent: "other-agent" }))).toBeNull();
    expect(await here.service.hold(held(id, { session: "other" }))).toBeNull();
  });

  test("when the approver has left the group meanwhile", async () => {
    const here = await world();
    const id = await here.open({ approvers: [["sre"]] });
    await approve(here, id);
    const left = { ...person("bob"), groups: [] };
    const { registry } = here;
    here.registry = { ...registry, person: (name) => (name.startsWith("bob") ? left : registry.person(name)) };
    expect(await here.service.hold(held(id))).toBeNull();
  });

  test("when the caller is gone, even if the approval came in that moment", async () => {
    const here = await world();
    const id = await here.open();
    let gone = false;
    beforeRead(here, 2, () => {
      gone = true;
      return approve(here, id);
    });
    expect(await here.service.hold(held(id, { cancelled: () => gone }))).toBeNull();
    expect(await here.stored(id)).toMatchObject({ status: "approved" });
  });

  test("soon after the caller has gone, and at once when all are released", async () => {
    const here = await world();
    const id = await here.open();
    let gone = false;
    beforeRead(here, 2, () => {
      gone = true;
    });
    const started = performance.now();
    expect(await here.service.hold(held(id, { cancelled: () => gone }))).toBeNull();
    expect(performance.now() - started).toBeLessThan(15_000);

    const holding = [here.service.hold(held(id)), here.service.hold(held(id))];
    here.service.release();
    expect(await Promise.all(holding)).toEqual([null, null]);
    expect(await here.service.hold(held(id))).toBeNull();
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

describe("an answer at the end of the time", () => {
  test("counts when the last look sees it", async () => {
    const here = await world();
    const id = await here.open();
    beforeRead(here, 2, () => approve(here, id));
    expect(await here.service.hold(held(id, { ms: 20 }))).toEqual(expect.any(String));
  });

  test("is for the agent to fetch when it came after that", async () => {
    const here = await world();
    const id = await here.open();
    expect(await here.service.hold(held(id, { ms: 20 }))).toBeNull();
    await approve(here, id);
    const viewer = { kind: "agent", agent: "deploy-manager", session: session.id } as const;
    expect(await here.service.show(id, viewer)).toMatchObject({ override_token: expect.any(String) });
  });
});

test("a store that goes away in between is a refusal", async () => {
  const here = await world();
  const id = await here.open();
  beforeRead(here, 2, () => {
    throw new StoreUnavailable("connection refused");
  });
  expect(await reason(here.service.hold(held(id)))).toBe("store_unavailable");
  beforeRead(here, 1, () => {
    throw new TypeError("a bug");
  });
  await expect(here.service.hold(held(id))).rejects.toThrow(TypeError);
});

test("so many calls are held at a time, of one agent and in all; the next is not, and a place that is left is free", async () => {
  const here = await world();
  const agents = Array.from({ length: 11 }, (_, n) => `agent-${n}`);
  const ids = new Map<string, string>();
  for (const agent of agents) ids.set(agent, await here.open({ agent }));
  const hold = (agent: string) => here.service.hold(held(ids.get(agent) ?? "", { agent }));

  const first = Array.from({ length: 20 }, () => hold("agent-0"));
  expect(await hold("agent-0")).toBeNull();
  const others = agents.slice(1, 10).flatMap((agent) => Array.from({ length: 20 }, () => hold(agent)));
  expect(await hold("agent-10")).toBeNull();

  await approve(here, ids.get("agent-0") ?? "");
  expect(new Set((await Promise.all(first)).map((token) => typeof token))).toEqual(new Set(["string"]));
  const late = hold("agent-10");
  await approve(here, ids.get("agent-10") ?? "");
  expect(await late).toEqual(expect.any(String));
  here.service.release();
  expect(new Set(await Promise.all(others))).toEqual(new Set([null]));
});
