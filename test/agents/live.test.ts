import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "../../src/refusal.js";
import { memoryRegistry } from "../../src/store/memory_registry.js";
import type { RegistryChanges, SharedRegistry } from "../../src/store/shared_registry.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { until } from "../harness/until.js";
import { agentOf as unsignedOf } from "../store/conformance_registry.js";
import { closeAll, files, firstFile, flagOf, processOf, proofs, wanted } from "./fixture.js";

afterEach(closeAll);

const agentOf = (...given: Parameters<typeof unsignedOf>) => proofs.agent(unsignedOf(...given));

/** A registry that counts how often it is asked, and can be out of reach or slow. */
function counted(registry: SharedRegistry = memoryRegistry({ now: Date.now })) {
  const here = { asked: 0, away: false, gate: null as Promise<void> | null, registry: registry as SharedRegistry };
  here.registry = {
    ...registry,
    changes: async (seen) => {
      here.asked += 1;
      const told = await registry.changes(seen);
      await here.gate;
      if (here.away) throw new StoreUnavailable("no connection within 250 ms");
      return told;
    },
  };
  return here;
}

const refusal = expect.objectContaining({ reason: "store_unavailable" });

describe("fresh", () => {
  test("asks nothing within a second after the last answer, and then once for all who wait", async () => {
    const store = counted();
    const one = processOf(store.registry);
    const { fresh } = one.service.revocations;
    await fresh();
    expect(store.asked).toBe(1);
    one.laterMs += 900;
    await fresh();
    expect(store.asked).toBe(1);
    one.laterMs += 101;
    await Promise.all(Array.from({ length: 100 }, fresh));
    expect(store.asked).toBe(2);
  });

  test("a process that has never had an answer is not fresh, and says so", async () => {
    const store = counted();
    store.away = true;
    const one = processOf(store.registry);
    const refused = one.service.revocations.fresh();
    await expect(refused).rejects.toThrow(Refusal);
    await expect(refused).rejects.toEqual(refusal);
    await expect(refused).rejects.toThrow(/^the store did not answer in time$/);
    expect(one.service.trouble()).toBe("no connection within 250 ms");
    store.away = false;
    await one.service.revocations.fresh();
    expect(one.service.trouble()).toBeNull();
  });

  test("holds for a second after the store went away, and no longer; trouble is told once, and ends", async () => {
    const store = counted();
    const one = processOf(store.registry);
    const { fresh } = one.service.revocations;
    await fresh();
    store.away = true;
    one.laterMs += 900;
    await fresh();
    one.laterMs += 101;
    for (let n = 0; n < 3; n++) await expect(fresh()).rejects.toEqual(refusal);
    expect(one.troubles).toEqual(["no connection within 250 ms"]);
    store.away = false;
    await fresh();
    store.away = true;
    one.laterMs += 1001;
    await expect(fresh()).rejects.toEqual(refusal);
    expect(one.troubles).toHaveLength(2);
  });

  test("an answer that was asked for too long ago is not taken for a fresh one", async () => {
    const store = counted();
    const one = processOf(store.registry);
    let open: () => void = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = one.service.revocations.fresh();
    await sleep(5);
    await store.registry.putFlag(flagOf("filed", true));
    one.laterMs += 5_000;
    const second = one.service.revocations.fresh();
    store.gate = null;
    open();
    await Promise.all([first, second]);
    expect(one.service.registry().agent("filed")?.disabled).toBe(true);
  });

  test("with a clock that stands still, another process's change is known by construction", async () => {
    const store = memoryRegistry({ now: Date.now });
    const [here, there] = [processOf(store), processOf(store)];
    await here.service.revocations.fresh();
    await there.service.disable("filed", "root");
    await there.service.shared.revoke({ jti: "jti-1", expiresAtMs: Date.now() + 60_000 });
    here.laterMs += 1001;
    await here.service.revocations.fresh();
    expect(here.service.registry().agent("filed")?.disabled).toBe(true);
    expect(here.service.revocations.isRevoked("jti-1")).toBe(true);
  });
});

test("by itself it asks often enough never to need to", async () => {
  const store = counted();
  const one = processOf(store.registry, { intervalMs: 20 });
  await until(() => store.asked > 5, { what: "some polls" });
  const other = processOf(store.registry);
  await other.service.disable("filed", "root");
  await until(() => one.service.registry().agent("filed")?.disabled, { what: "the change" });
  await one.service.close();
  const { asked } = store;
  await sleep(60);
  expect(store.asked).toBe(asked);
});

test("does not pile up questions at a store that hangs", async () => {
  const store = counted();
  store.gate = sleep(300);
  processOf(store.registry, { intervalMs: 10 });
  await sleep(200);
  expect(store.asked).toBe(1);
});

test("own changes are known at once, whatever answer was under way", async () => {
  const store = counted();
  const one = processOf(store.registry);
  await one.service.revocations.fresh();
  let open: () => void = () => {};
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  one.laterMs += 1001;
  const underWay = one.service.revocations.fresh();
  await sleep(5);
  const writing = Promise.all([
    one.service.shared.putFlag(flagOf("filed", true)),
    one.service.shared.putAgent(agentOf("new")),
    one.service.shared.revoke({ jti: "jti-1", expiresAtMs: Date.now() + 60_000 }),
  ]);
  await sleep(5);
  expect(one.service.registry().agent("filed")?.disabled).toBe(true);
  store.gate = null;
  store.away = true;
  open();
  await expect(underWay).rejects.toThrow();
  await writing;
  expect(one.service.registry().agent("filed")?.disabled).toBe(true);
  expect(one.service.registry().agent("new")?.disabled).toBe(false);
  expect(one.service.revocations.isRevoked("jti-1")).toBe(true);
});

test("an older answer does not undo an own change, also when there is no newer one to be had", async () => {
  const registry = memoryRegistry({ now: Date.now });
  const answers: (() => void)[] = [];
  let asked = 0;
  const one = processOf({
    ...registry,
    changes: async (seen) => {
      asked += 1;
      if (asked > 2) throw new StoreUnavailable("away");
      const told = await registry.changes(seen);
      if (asked === 2) await new Promise<void>((resolve) => answers.push(resolve));
      return told;
    },
  });
  await one.service.revocations.fresh();
  await registry.putFlag(flagOf("filed", true));
  await registry.putFlag(flagOf("filed", false, 2));
  one.laterMs += 1001;
  const underWay = one.service.revocations.fresh();
  await until(() => answers.length > 0, { what: "the question" });
  const writing = one.service.shared.putFlag(flagOf("filed", true, 3));
  await until(() => one.service.registry().agent("filed")?.disabled, { what: "the change" });
  answers[0]?.();
  await Promise.all([underWay, writing]);
  expect(asked).toBe(3);
  expect(one.service.registry().agent("filed")?.disabled).toBe(true);
});

test("a revoked token is known until it has expired and a while longer, and no others are", async () => {
  const one = processOf(memoryRegistry({ now: Date.now }));
  await one.service.shared.revoke({ jti: "jti-1", expiresAtMs: Date.now() + 1000 });
  expect(["jti-1", "jti-2", "", "__proto__"].map(one.service.revocations.isRevoked)).toEqual([
    true,
    false,
    false,
    false,
  ]);
  one.laterMs += 60_000;
  expect(one.service.revocations.isRevoked("jti-1")).toBe(true);
  one.laterMs += 300_000;
  expect(one.service.revocations.isRevoked("jti-1")).toBe(false);
});

test("the merged registry is made anew only when a side changes", async () => {
  const one = processOf(memoryRegistry({ now: Date.now }));
  await one.service.create(wanted("new"), "root");
  const first = one.service.registry();
  await one.service.shared.revoke({ jti: "jti-1", expiresAtMs: Date.now() + 1000 });
  await one.service.list();
  expect(one.service.registry()).toBe(first);
  await one.service.disable("new", "root");
  const second = one.service.registry();
  expect(second).not.toBe(first);
  one.file = files(firstFile);
  expect(one.service.registry()).not.toBe(second);
  expect(one.service.registry().agent("new")?.disabled).toBe(true);
});

test("a warning is told once, and again when it comes back", async () => {
  const store = memoryRegistry({ now: Date.now });
  await store.putAgent(agentOf("filed"));
  const one = processOf(store);
  await one.service.revocations.fresh();
  const warning = "agent filed is registered over the API too; what agents.yaml says of it holds";
  one.service.registry();
  await one.service.create(wanted("new"), "root");
  one.service.registry();
  expect(one.warnings).toEqual([warning]);
  one.file = files("agents: []");
  one.service.registry();
  one.file = files(firstFile);
  one.service.registry();
  expect(one.warnings).toEqual([warning, warning]);
});

describe("a store that has lost something", () => {
  /** Stores one after the other, as a flush makes them; pages of one, so that reading again takes several answers. */
  function flushable() {
    let [store, epoch, asked] = [memoryRegistry({ now: Date.now }), 0, 0];
    const here = {
      failAt: -1,
      flush() {
        store = memoryRegistry({ now: Date.now });
        epoch += 1;
      },
      current: () => store,
      registry: {
        changes: async (seen: string | null): Promise<RegistryChanges> => {
          asked += 1;
          if (asked === here.failAt) throw new StoreUnavailable("away");
          const [told = "", at = "0"] = seen?.split("/") ?? [];
          const lost = seen !== null && told !== String(epoch);
          const all = await store.changes(null);
          const from = lost || seen === null ? 0 : Number(at);
          const entries = [
            ...all.agents.map((agent) => ({ agents: [agent] })),
            ...all.flags.map((flag) => ({ flags: [flag] })),
            ...all.revoked.map((token) => ({ revoked: [token] })),
          ];
          const page = { agents: [], flags: [], revoked: [], ...entries[from] };
          const next = Math.min(from + 1, entries.length);
          return { ...page, seen: `${epoch}/${next}`, more: next < entries.length, lost };
        },
        putAgent: (...given: Parameters<SharedRegistry["putAgent"]>) => store.putAgent(...given),
        putFlag: (...given: Parameters<SharedRegistry["putFlag"]>) => store.putFlag(...given),
        revoke: (...given: Parameters<SharedRegistry["revoke"]>) => store.revoke(...given),
        pinTask: (...given: Parameters<SharedRegistry["pinTask"]>) => store.pinTask(...given),
      },
      failNext() {
        here.failAt = asked + 2;
      },
    };
    return here;
  }

  const expiresAtMs = Date.now() + 60_000;

  async function full() {
    const store = flushable();
    const one = processOf(store.registry);
    await store.registry.putAgent(agentOf("kept", { revision: 1 }));
    await store.registry.putAgent(agentOf("kept", { revision: 2, disabled: true }));
    await store.registry.putFlag(flagOf("filed", true));
    await store.registry.revoke({ jti: "jti-1", expiresAtMs });
    await one.service.list();
    return { store, one };
  }

  async function holds({ service }: { service: ReturnType<typeof processOf>["service"] }) {
    expect(service.registry().agent("filed")?.disabled).toBe(true);
    expect(service.registry().agent("kept")?.disabled).toBe(true);
    expect(service.revocations.isRevoked("jti-1")).toBe(true);
  }

  test("is given it back, and nothing is forgotten meanwhile", async () => {
    const { store, one } = await full();
    store.flush();
    await store.registry.putAgent(agentOf("after"));
    await one.service.list();
    await holds(one);
    expect(one.service.registry().agent("after")?.disabled).toBe(false);
    expect(one.troubles).toEqual([
      "the store has lost what this process knew, which goes back into it: 1 agents, 1 disabled ones of agents.yaml, 1 revoked tokens",
    ]);
    const back = await store.current().changes(null);
    expect(back.agents).toEqual(expect.arrayContaining([agentOf("kept", { revision: 2, disabled: true })]));
    expect(back.flags).toEqual([flagOf("filed", true)]);
    expect(back.revoked).toEqual([{ jti: "jti-1", expiresAtMs }]);
    const fresh = processOf(store.registry);
    await fresh.service.list();
    await holds(fresh);
  });

  test("is read to the end although it goes away in between", async () => {
    const { store, one } = await full();
    store.flush();
    for (const id of ["a", "b", "c"]) await store.registry.putAgent(agentOf(id));
    store.failNext();
    await expect(one.service.list()).rejects.toThrow(StoreUnavailable);
    await holds(one);
    await one.service.list();
    await holds(one);
    for (const id of ["a", "b", "c"]) expect(one.service.registry().agent(id)?.id).toBe(id);
  });

  test("what went back in by another process is taken when it is newer, and replaced when it is older", async () => {
    for (const [revision, disabled] of [
      [1, true],
      [3, false],
    ] as const) {
      const { store, one } = await full();
      store.flush();
      await store.registry.putAgent(agentOf("kept", { revision }), 0);
      await one.service.list();
      expect(one.service.registry().agent("kept")?.disabled).toBe(disabled);
      const back = await store.current().changes(null);
      expect(back.agents).toMatchObject([{ revision: Math.max(2, revision), disabled }]);
    }
  });

  test("what was created anew is another agent", async () => {
    const { store, one } = await full();
    store.flush();
    const anew = agentOf("kept", { createdAtMs: 1_850_000_000_000 });
    await store.registry.putAgent(anew);
    await one.service.list();
    expect(one.service.registry().agent("kept")?.disabled).toBe(false);
    expect((await store.current().changes(null)).agents).toEqual([anew]);
  });

  test("what could not be given back is, when it answers again", async () => {
    const { store, one } = await full();
    store.flush();
    const { putFlag, putAgent, revoke } = store.registry;
    const away = async () => {
      throw new StoreUnavailable("read only");
    };
    Object.assign(store.registry, { putFlag: away, putAgent: away, revoke: away });
    await one.service.list();
    await holds(one);
    expect((await store.current().changes(null)).flags).toEqual([]);
    Object.assign(store.registry, { putFlag, putAgent, revoke });
    await one.service.list();
    const back = await store.current().changes(null);
    expect([back.agents.length, back.flags.length, back.revoked.length]).toEqual([1, 1, 1]);
  });
});
