import { AgentError } from "../../src/agents/error.js";
import { maxKeys } from "../../src/agents/service.js";
import { AuditUnavailable } from "../../src/audit/record.js";
import { sha256Hex } from "../../src/canonical.js";
import { memoryRegistry } from "../../src/store/memory_registry.js";
import type { SharedRegistry } from "../../src/store/shared_registry.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { everything } from "../store/conformance_registry.js";
import { closeAll, files, firstFile, type Process, processOf, wanted } from "./fixture.js";

let shared: SharedRegistry;
let here: Process;
let there: Process;
beforeEach(() => {
  shared = memoryRegistry({ now: () => Date.now() + here.laterMs });
  here = processOf(shared);
  there = processOf(shared);
});
afterEach(closeAll);

const by = "root@example.com";
const hour = 3_600_000;

async function code(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof AgentError ? `${error.status} ${error.code}` : String(error);
}

/** The agent that a key proves on another process. */
async function owner(key: string) {
  await there.service.revocations.fresh();
  there.laterMs += 1001;
  await there.service.revocations.fresh();
  return there.service.registry().agentByApiKey(key);
}

describe("create", () => {
  test("gives a key that proves the agent, here at once and elsewhere when it is fresh", async () => {
    const more = { model: "m-1", roles: ["ci"], spiffe: ["spiffe://d/new"] };
    const { agent, api_key } = await here.service.create(wanted("team/new@x", more), by);
    expect(agent).toEqual({
      id: "team/new@x",
      source: "store",
      ...more,
      scopes: ["deploy-api:*"],
      disabled: false,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      keys: 1,
    });
    expect(api_key).toMatch(/^csk_[\w-]{43}$/);
    const expected = { id: "team/new@x", model: "m-1", scopes: ["deploy-api:*"], roles: ["ci"], disabled: false };
    expect(here.service.registry().agentByApiKey(api_key)).toEqual(expected);
    expect(await owner(api_key)).toEqual(expected);
    expect(there.service.registry().agentBySpiffe("spiffe://d/new")).toEqual(expected);
    expect(JSON.stringify(await everything(shared, null))).not.toContain(api_key);
  });

  test("is recorded without anything that proves something", async () => {
    const { api_key } = await here.service.create(wanted("new", { model: "m", roles: ["ci"] }), by);
    expect(here.acts()).toEqual([
      {
        act: "agent_created",
        by,
        agent_id: "new",
        detail: { source: "store", revision: 1, model: "m", scopes: ["deploy-api:*"], roles: ["ci"], spiffe: [] },
      },
    ]);
    expect(JSON.stringify(here.records.kept)).not.toContain(sha256Hex(api_key));
  });

  test("an id or SPIFFE id that is taken is refused, by whichever process it was taken", async () => {
    await here.service.create(wanted("new", { spiffe: ["spiffe://d/new"] }), by);
    expect(await code(there.service.create(wanted("new"), by))).toBe("409 agent_exists");
    expect(await code(there.service.create(wanted("filed"), by))).toBe("409 agent_exists");
    const spiffe = (id: string) => there.service.create(wanted("other", { spiffe: [id] }), by);
    expect(await code(spiffe("spiffe://d/new"))).toBe("409 spiffe_taken");
    expect(await code(spiffe("spiffe://d/filed"))).toBe("409 spiffe_taken");
    expect(there.records.kept).toEqual([]);
  });

  test("of many at once, on two processes, one makes it, and the others' records say that they did not", async () => {
    const tries = Array.from({ length: 10 }, (_, n) => (n % 2 ? here : there).service.create(wanted("new"), by));
    const results = await Promise.allSettled(tries);
    const made = results.flatMap((result) => (result.status === "fulfilled" ? [result.value.api_key] : []));
    expect(made).toHaveLength(1);
    expect((await owner(made[0] ?? ""))?.id).toBe("new");
    const acts = [...here.acts(), ...there.acts()];
    const void_ = acts.filter(({ detail }) => detail?.outcome === "void");
    expect(acts).toHaveLength(1 + void_.length * 2);
  });

  test("lists are kept without repeats", async () => {
    const twice = { scopes: ["a:b", "a:b"], roles: ["r", "r"], spiffe: ["spiffe://d/n", "spiffe://d/n"] };
    const { agent } = await here.service.create(wanted("new", twice), by);
    expect(agent).toMatchObject({ scopes: ["a:b"], roles: ["r"], spiffe: ["spiffe://d/n"] });
    here.service.registry();
    expect(here.warnings).toEqual([]);
  });
});

describe("list and show", () => {
  test("have both kinds, by id, as all processes know them", async () => {
    await there.service.create(wanted("aaa"), by);
    expect((await here.service.list()).map(({ id, source, keys }) => [id, source, keys])).toEqual([
      ["aaa", "store", 1],
      ["filed", "file", 1],
      ["retired", "file", 0],
    ]);
    expect(await here.service.show("filed")).toEqual({
      id: "filed",
      source: "file",
      model: "m",
      scopes: ["a:*"],
      roles: [],
      spiffe: ["spiffe://d/filed"],
      disabled: false,
      created_at: null,
      keys: 1,
    });
    expect(JSON.stringify(await here.service.list())).not.toMatch(/[0-9a-f]{64}/);
  });

  test.each(["nobody", "__proto__", "toString"])("%s is not there", async (id) => {
    const { service } = here;
    for (const work of [
      service.show(id),
      service.disable(id, by),
      service.enable(id, by),
      service.rotateKey(id, 0, by),
    ]) {
      expect(await code(work)).toBe("404 unknown_agent");
    }
    expect(here.records.kept).toEqual([]);
  });
});

describe("disable and enable", () => {
  test.each([
    ["of the store", "new", "store"],
    ["of agents.yaml", "filed", "file"],
  ])("an agent %s", async (_, id, source) => {
    const { api_key } = await here.service.create(wanted("new"), by);
    const key = id === "new" ? api_key : "key-filed";
    expect(await here.service.disable(id, by)).toMatchObject({ id, source, disabled: true });
    expect(here.service.registry().agentByApiKey(key)?.disabled).toBe(true);
    expect((await owner(key))?.disabled).toBe(true);
    expect(await there.service.show(id)).toMatchObject({ disabled: true });
    expect(await there.service.enable(id, by)).toMatchObject({ id, source, disabled: false });
    await here.service.list();
    expect(here.service.registry().agentByApiKey(key)?.disabled).toBe(false);
    expect(here.acts().at(-1)).toMatchObject({ act: "agent_disabled", by, agent_id: id, detail: { source } });
    expect(there.acts()).toMatchObject([{ act: "agent_enabled", by, agent_id: id, detail: { source } }]);
  });

  test("what changes nothing is answered and not recorded", async () => {
    await here.service.create(wanted("new"), by);
    const before = here.records.kept.length;
    for (const id of ["new", "filed"]) {
      expect(await here.service.enable(id, by)).toMatchObject({ disabled: false });
      await here.service.disable(id, by);
      expect(await there.service.disable(id, by)).toMatchObject({ disabled: true });
    }
    expect(here.records.kept.slice(before)).toHaveLength(2);
    expect(there.records.kept).toEqual([]);
  });

  test("what agents.yaml disables is enabled there only", async () => {
    expect(await here.service.show("retired")).toMatchObject({ disabled: true });
    expect(await code(here.service.enable("retired", by))).toBe("409 disabled_in_file");
    await here.service.disable("retired", by);
    here.file = files(firstFile.replace("disabled: true", "disabled: false"));
    expect(await here.service.show("retired")).toMatchObject({ disabled: true });
    expect(await here.service.enable("retired", by)).toMatchObject({ disabled: false });
  });

  test("one that agents.yaml takes over stays disabled, and is enabled as a whole", async () => {
    await here.service.create(wanted("new"), by);
    await here.service.disable("new", by);
    here.file = files(`agents: [{id: new, scopes: ["a:*"]}]`);
    expect(await here.service.show("new")).toMatchObject({ source: "file", disabled: true });
    expect(here.service.registry().agent("new")).toMatchObject({ scopes: ["a:*"], disabled: true });
    expect(await here.service.enable("new", by)).toMatchObject({ source: "file", disabled: false });
    expect(here.warnings).toEqual(["agent new is registered over the API too; what agents.yaml says of it holds"]);
    here.file = files("agents: []");
    expect(await here.service.show("new")).toMatchObject({ source: "store", disabled: false });
  });
});

describe("rotateKey", () => {
  test("ends the old keys at once, everywhere", async () => {
    const { api_key: first } = await here.service.create(wanted("new"), by);
    const { agent, api_key: second } = await there.service.rotateKey("new", 0, by);
    expect(agent).toMatchObject({ id: "new", keys: 1 });
    expect(second).not.toBe(first);
    expect(await owner(first)).toBeUndefined();
    expect((await owner(second))?.id).toBe("new");
    expect(there.acts()).toEqual([
      {
        act: "agent_key_rotated",
        by,
        agent_id: "new",
        detail: { source: "store", revision: 2, keep_old_for_s: 0 },
      },
    ]);
  });

  test("or after a while, and never later than they had to", async () => {
    const { api_key: first } = await here.service.create(wanted("new"), by);
    const { api_key: second } = await here.service.rotateKey("new", hour, by);
    const { agent, api_key: third } = await here.service.rotateKey("new", 2 * hour, by);
    expect(agent.keys).toBe(3);
    const holding = () => [first, second, third].map((key) => here.service.registry().agentByApiKey(key)?.id);
    expect(holding()).toEqual(["new", "new", "new"]);
    here.laterMs += hour;
    expect(holding()).toEqual([undefined, "new", "new"]);
    expect((await here.service.show("new")).keys).toBe(2);
    here.laterMs += hour;
    expect(holding()).toEqual([undefined, undefined, "new"]);
    await here.service.rotateKey("new", hour, by);
    const { agents } = await everything(shared, null);
    expect(agents.find(({ id }) => id === "new")?.keys).toHaveLength(2);
  });

  test("so many keys hold at a time and no more; ending all of them always works", async () => {
    await here.service.create(wanted("new"), by);
    for (let n = 1; n < maxKeys; n++) await here.service.rotateKey("new", hour, by);
    expect(await code(here.service.rotateKey("new", hour, by))).toBe("409 too_many_keys");
    expect((await here.service.rotateKey("new", 0, by)).agent.keys).toBe(1);
  });

  test("those of agents.yaml are rotated there", async () => {
    const refused = here.service.rotateKey("filed", 0, by);
    await expect(refused).rejects.toThrow("filed is registered in agents.yaml: make a key with `countersign agent key");
    expect(await code(refused)).toBe("409 agent_in_file");
    expect(here.records.kept).toEqual([]);
  });
});

test("changes of one agent on two processes at the same time are all made", async () => {
  const { api_key } = await here.service.create(wanted("new"), by);
  const rotations = Array.from({ length: 8 }, (_, n) => (n % 2 ? here : there).service.rotateKey("new", hour, by));
  const disabling = there.service.disable("new", by);
  const keys = (await Promise.all(rotations)).map((rotated) => rotated.api_key);
  await disabling;
  const { agents } = await everything(shared, null);
  expect(agents[0]).toMatchObject({ revision: 10, disabled: true });
  for (const key of [api_key, ...keys]) expect((await owner(key))?.id).toBe("new");
});

describe("what cannot be recorded does not happen", () => {
  const changes: [string, (one: Process) => Promise<unknown>][] = [
    ["create", ({ service }) => service.create(wanted("other"), by)],
    ["disable in the store", ({ service }) => service.disable("new", by)],
    ["disable in agents.yaml", ({ service }) => service.disable("filed", by)],
    ["enable in the store", ({ service }) => service.enable("off", by)],
    ["rotate", ({ service }) => service.rotateKey("new", 0, by)],
  ];

  test.each(changes)("%s", async (_, change) => {
    await here.service.create(wanted("new"), by);
    await here.service.create(wanted("off"), by);
    await here.service.disable("off", by);
    const before = await everything(shared, null);
    here.records.broken = true;
    await expect(change(here)).rejects.toThrow(AuditUnavailable);
    expect(await everything(shared, null)).toEqual(before);
    expect((await here.service.list()).map(({ id, disabled }) => [id, disabled])).toEqual([
      ["filed", false],
      ["new", false],
      ["off", true],
      ["retired", true],
    ]);
  });

  test.each(changes)("%s is on record before it is in the store", async (_, change) => {
    await there.service.create(wanted("new"), by);
    await there.service.create(wanted("off"), by);
    await there.service.disable("off", by);
    const order: string[] = [];
    const noting = (name: string) => async () => {
      order.push(name, `${one.records.kept.length} records`);
      throw new StoreUnavailable("not now");
    };
    const one = processOf({ ...shared, putAgent: noting("put"), putFlag: noting("set") });
    await expect(change(one)).rejects.toThrow(StoreUnavailable);
    expect(order).toEqual([expect.stringMatching(/put|set/), "1 records"]);
  });
});

test("an agent that cannot be read is shown as disabled and not changed, but registered anew", async () => {
  const odd = {
    id: "odd",
    scopes: [],
    roles: [],
    spiffe: [],
    disabled: true,
    keys: [],
    createdAtMs: 0,
    revision: 0,
    proof: "",
  };
  const one = processOf({
    ...shared,
    changes: async (seen) => ({ ...(await shared.changes(seen)), agents: seen === null ? [odd] : [] }),
  });
  expect(await one.service.show("odd")).toMatchObject({ disabled: true, keys: 0 });
  expect(await code(one.service.enable("odd", by))).toBe("409 agent_unreadable");
  expect(await code(one.service.rotateKey("odd", 0, by))).toBe("409 agent_unreadable");
  const { api_key } = await one.service.create(wanted("odd"), by);
  expect(one.service.registry().agentByApiKey(api_key)).toMatchObject({ id: "odd", disabled: false });
  expect(await code(one.service.create(wanted("odd"), by))).toBe("409 agent_exists");
});
