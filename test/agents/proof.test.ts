import fc from "fast-check";
import { AgentProofs } from "../../src/agents/proof.js";
import { sha256Hex } from "../../src/canonical.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { memoryRegistry } from "../../src/store/memory_registry.js";
import type { SharedRegistry, StoredAgent } from "../../src/store/shared_registry.js";
import { agentOf, everything } from "../store/conformance_registry.js";
import { closeAll, files, flagOf, key, type Process, processOf, proofs, wanted } from "./fixture.js";

const otherKey = await signingKeyOf(generateKey("OKP", "approvals"));
const strangers = new AgentProofs(otherKey);

afterEach(closeAll);

describe("a proof", () => {
  const signed = proofs.agent(agentOf("new"));

  test.each<[string, Partial<StoredAgent>]>([
    ["id", { id: "other" }],
    ["model", { model: "some-model-2" }],
    ["scopes", { scopes: ["*:*"] }],
    ["roles", { roles: [] }],
    ["spiffe", { spiffe: [] }],
    ["disabled", { disabled: true }],
    ["keys", { keys: [{ sha256: "ef".repeat(32) }] }],
    ["end of a key", { keys: [{ sha256: "ab".repeat(32) }, { sha256: "cd".repeat(32) }] }],
    ["createdAtMs", { createdAtMs: 1 }],
    ["revision", { revision: 2 }],
  ])("is over the %s", (_, changed) => {
    expect(proofs.holdsOfAgent(signed)).toBe(true);
    expect(proofs.holdsOfAgent({ ...signed, ...changed })).toBe(false);
    expect(proofs.holdsOfAgent(proofs.agent({ ...signed, ...changed }))).toBe(true);
  });

  test("is over whether there is a model, and everything of a flag", () => {
    const { model: _, ...bare } = signed;
    expect(proofs.holdsOfAgent(bare)).toBe(false);
    const flag = flagOf("filed", true);
    expect(proofs.holdsOfFlag(flag)).toBe(true);
    for (const changed of [{ id: "other" }, { disabled: false }, { revision: 2 }]) {
      expect(proofs.holdsOfFlag({ ...flag, ...changed })).toBe(false);
    }
  });

  test("is by a key of ours, the present one or one before, and of one kind", () => {
    expect(strangers.holdsOfAgent(signed)).toBe(false);
    expect(new AgentProofs(otherKey, [key]).holdsOfAgent(signed)).toBe(true);
    const same = { id: "new", revision: 1 };
    expect(proofs.holdsOfFlag({ ...flagOf("new", true), proof: signed.proof })).toBe(false);
    expect(proofs.holdsOfAgent({ ...signed, ...same, proof: flagOf("new", true).proof })).toBe(false);
  });

  test("is not there in any other text, nor of an agent that is not Unicode", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom(...mangled(signed.proof))), (proof) => {
        expect(proofs.holdsOfAgent({ ...signed, proof })).toBe(proof === signed.proof);
      }),
      { numRuns: 200 },
    );
    expect(proofs.holdsOfAgent({ ...signed, roles: ["\ud800"] })).toBe(false);
  });
});

function mangled(proof: string): string[] {
  const [head = "", body = "", signature = ""] = proof.split(".");
  const none = Buffer.from('{"alg":"none","typ":"agent+jwt"}').toString("base64url");
  return [`${head}.${body}.`, `${head}.${body}`, `${none}.${body}.`, `${proof}=`, ` ${proof}`, `${head}..${signature}`];
}

/** What somebody does who can write to the store and has no key. */
describe("who can write to the store", () => {
  let store: SharedRegistry;
  let here: Process;
  /** Has been running all the time. */
  let there: Process;
  beforeEach(() => {
    store = memoryRegistry({ now: Date.now });
    here = processOf(store);
    there = processOf(store);
  });

  const forgedKey = { sha256: sha256Hex("forged") };
  const stored = async (id: string) => (await everything(store, null)).agents.find((agent) => agent.id === id);
  const isOff = (one: Process, id: string) => one.service.registry().agent(id)?.disabled;
  /** A process that has just started. */
  async function anew(): Promise<Process> {
    const one = processOf(store);
    await one.service.list();
    return one;
  }

  test.each([
    ["no proof", agentOf("forged", { keys: [forgedKey], scopes: ["*:*"] })],
    ["a stranger's proof", strangers.agent(agentOf("forged", { keys: [forgedKey], scopes: ["*:*"] }))],
    [
      "the proof of another agent",
      { ...agentOf("forged", { keys: [forgedKey] }), proof: proofs.agent(agentOf("a")).proof },
    ],
  ])("registers nobody with %s, which is told once", async (_, agent) => {
    await store.putAgent(agent);
    await here.service.list();
    await store.putAgent({ ...agent, revision: 2 });
    expect(await here.service.show("forged")).toMatchObject({ disabled: true, keys: 0, scopes: [], spiffe: [] });
    const registry = here.service.registry();
    expect([registry.agentByApiKey("forged"), registry.agentBySpiffe("spiffe://cluster.local/forged")]).toEqual([
      undefined,
      undefined,
    ]);
    expect(isOff(here, "forged")).toBe(true);
    expect(here.troubles).toEqual([expect.stringContaining("something of agent forged that is no proven state")]);
    await expect(here.service.enable("forged", "root")).rejects.toMatchObject({ code: "agent_unreadable" });
  });

  test("gives no agent other scopes: it is refused until it is registered anew", async () => {
    await here.service.create(wanted("new"), "root");
    const real = (await stored("new")) as StoredAgent;
    await store.putAgent({ ...real, scopes: ["*:*"], revision: 2 });
    for (const one of [here, there, await anew()]) {
      await one.service.list();
      expect(one.service.registry().agent("new")).toMatchObject({ scopes: [], disabled: true });
    }
    const { api_key } = await there.service.create(wanted("new", { scopes: ["a:b"] }), "root");
    for (const one of [here, there, await anew()]) {
      await one.service.list();
      expect(one.service.registry().agentByApiKey(api_key)).toMatchObject({ scopes: ["a:b"], disabled: false });
    }
    // The agent of that name that was before does not come back.
    await store.putAgent(real, null);
    await here.service.list();
    expect(here.service.registry().agentByApiKey(api_key)).toMatchObject({ scopes: ["a:b"], disabled: false });
  });

  test.each([
    ["as it was before", (old: StoredAgent) => old],
    ["as it was, with another number", (old: StoredAgent) => ({ ...old, revision: 3 })],
    ["as it was, changed", (old: StoredAgent) => ({ ...old, scopes: ["*:*"] })],
  ])("brings no disabled agent back where it was known: %s", async (_, change) => {
    const { api_key } = await here.service.create(wanted("new"), "root");
    const before = (await stored("new")) as StoredAgent;
    await there.service.disable("new", "root");
    await here.service.list();
    await store.putAgent(change(before), null);
    for (const one of [here, there]) {
      await one.service.list();
      expect(one.service.registry().agentByApiKey(api_key)?.disabled).toBe(true);
      expect(one.troubles).toEqual([expect.stringContaining("of agent new that is no proven state of it, or an old")]);
    }
  });

  test("ends no agent by an older state of it, and keeps no admin from disabling it", async () => {
    const { api_key } = await here.service.create(wanted("new"), "root");
    const before = (await stored("new")) as StoredAgent;
    const { api_key: second } = await here.service.rotateKey("new", 0, "root");
    await store.putAgent(before, null);
    await here.service.list();
    expect(here.service.registry().agentByApiKey(api_key)).toBeUndefined();
    expect(here.service.registry().agentByApiKey(second)?.disabled).toBe(false);
    expect(await here.service.disable("new", "root")).toMatchObject({ disabled: true });
    for (const one of [here, there, await anew()]) {
      await one.service.list();
      expect(isOff(one, "new")).toBe(true);
    }
  });

  test("neither hides nor disables an agent of agents.yaml by a forged one of its name", async () => {
    await store.putAgent(agentOf("filed", { disabled: true }));
    await here.service.list();
    expect(here.service.registry().agentByApiKey("key-filed")).toMatchObject({ id: "filed", disabled: false });
    expect(here.warnings).toEqual([]);
    expect(await here.service.disable("filed", "root")).toMatchObject({ source: "file", disabled: true });
    expect(await here.service.enable("filed", "root")).toMatchObject({ source: "file", disabled: false });
    // Nor lets it come back when one that was disabled over the API has been taken over by the file.
    await here.service.create(wanted("new"), "root");
    const before = (await stored("new")) as StoredAgent;
    await here.service.disable("new", "root");
    here.file = files(`agents: [{id: new, scopes: ["a:*"]}]`);
    await store.putAgent({ ...before, scopes: ["*:*"], revision: 9 }, null);
    await here.service.list();
    expect(isOff(here, "new")).toBe(true);
  });

  test("can disable by a name, and enable nothing", async () => {
    await store.putFlag({ id: "filed", disabled: true, revision: 1, proof: "none" });
    for (const one of [here, there]) {
      await one.service.list();
      expect(isOff(one, "filed")).toBe(true);
    }
    await store.putFlag({ id: "filed", disabled: false, revision: 2, proof: "none" });
    await here.service.list();
    expect(isOff(here, "filed")).toBe(true);
    expect(here.troubles).toHaveLength(1);
    // What an admin says is signed, and goes over it.
    await here.service.disable("filed", "root");
    expect(here.acts()).toMatchObject([{ act: "agent_disabled" }]);
    expect(await here.service.enable("filed", "root")).toMatchObject({ disabled: false });
    expect(isOff(await anew(), "filed")).toBe(false);
  });

  test("brings no disabled name back by what was signed before it was disabled again", async () => {
    for (const work of ["disable", "enable"] as const) await here.service[work]("filed", "root");
    const enabled = (await everything(store, null)).flags[0] as ReturnType<typeof flagOf>;
    expect(enabled).toEqual(flagOf("filed", false, 2));
    await here.service.disable("filed", "root");
    await there.service.list();
    for (const replayed of [enabled, { ...enabled, revision: 4 }]) {
      await store.putFlag(replayed, null);
      for (const one of [here, there]) {
        await one.service.list();
        expect(isOff(one, "filed")).toBe(true);
      }
    }
    expect(await there.service.enable("filed", "root")).toMatchObject({ disabled: false });
    await here.service.list();
    expect(isOff(here, "filed")).toBe(false);
  });

  test("cannot do it behind the back of processes either", async () => {
    // As one who writes to the store without telling that there is something new.
    const { api_key } = await here.service.create(wanted("new"), "root");
    const silent = processOf({ ...store, putAgent: async () => false, putFlag: async (_, over) => over === null });
    await expect(silent.service.rotateKey("new", 0, "root")).rejects.toMatchObject({ code: "agent_unreadable" });
    expect(silent.acts().map(({ detail }) => detail?.outcome)).toEqual([undefined, "void"]);
    expect(silent.service.registry().agentByApiKey(api_key)?.disabled).toBe(false);
    expect(await silent.service.disable("new", "root")).toMatchObject({ disabled: true });
    expect(await silent.service.disable("filed", "root")).toMatchObject({ disabled: true });
    await expect(silent.service.enable("filed", "root")).rejects.toMatchObject({ code: "changed_meanwhile" });
    expect(isOff(silent, "filed")).toBe(true);
  });
});

test("a process with another key believes nothing of it, also when it knew the keys before it did", async () => {
  const store = memoryRegistry({ now: Date.now });
  const here = processOf(store);
  const { api_key } = await here.service.create(wanted("new"), "root");
  const other = processOf(store, { key: otherKey });
  const both = processOf(store, { key: otherKey, acceptedKeys: [key] });
  for (const one of [other, both]) await one.service.list();
  expect(other.service.registry().agentByApiKey(api_key)).toBeUndefined();
  expect(both.service.registry().agentByApiKey(api_key)?.disabled).toBe(false);
  await both.service.disable("new", "root");
  await both.service.enable("new", "root");
  expect((await other.service.show("new")).disabled).toBe(false);
});
