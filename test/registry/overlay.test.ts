import { sha256Hex } from "../../src/canonical.js";
import { loadRegistry } from "../../src/registry/load.js";
import { overlay } from "../../src/registry/overlay.js";
import type { StoredAgent } from "../../src/store/shared_registry.js";

let nowMs = 1_800_000_000_000;
const clock = { now: () => nowMs };

const file = loadRegistry({
  agents: {
    file: "agents.yaml",
    text: `agents:
  - {id: filed, scopes: ["a:*"], api_keys: [{sha256: ${sha256Hex("key-filed")}}], spiffe: ["spiffe://d/filed"]}
  - {id: retired, disabled: true}
`,
  },
  people: { file: "people.yaml", text: `people: [{id: alice, tokens: [{sha256: ${sha256Hex("token-alice")}}]}]` },
});

function agentOf(id: string, more: Partial<StoredAgent> = {}, keys: readonly string[] = [`key-${id}`]): StoredAgent {
  return {
    id,
    scopes: ["b:*"],
    roles: [],
    spiffe: [],
    disabled: false,
    keys: keys.map((key) => ({ sha256: sha256Hex(key) })),
    createdAtMs: 1_700_000_000_000,
    revision: 1,
    proof: "a.proof",
    ...more,
  };
}

const over = (agents: StoredAgent[], disabled: string[] = []) =>
  overlay(file, { agents, disabled: new Set(disabled) }, clock);

test("both kinds are found by id, key and SPIFFE id, and people as before", () => {
  const registry = over([agentOf("shared", { model: "m", roles: ["ci"], spiffe: ["spiffe://d/shared"] })]);
  const shared = { id: "shared", model: "m", scopes: ["b:*"], roles: ["ci"], disabled: false };
  expect(registry.agent("shared")).toEqual(shared);
  expect(registry.agentByApiKey("key-shared")).toEqual(shared);
  expect(registry.agentBySpiffe("spiffe://d/shared")).toEqual(shared);
  expect(registry.agentByApiKey("key-filed")?.id).toBe("filed");
  expect(registry.agentBySpiffe("spiffe://d/filed")?.id).toBe("filed");
  expect(registry.person("alice")?.id).toBe("alice");
  expect(registry.personByToken("token-alice")?.id).toBe("alice");
  expect(registry.agents().map(({ id }) => id)).toEqual(["filed", "retired", "shared"]);
  expect(registry.holdsSecret(sha256Hex("key-shared"))).toBe(true);
  expect(registry.holdsSecret(sha256Hex("key-filed"))).toBe(true);
  expect(registry.entry("shared")?.spiffe).toEqual(["spiffe://d/shared"]);
  expect(registry.warnings).toEqual([]);
});

test.each(["", "__proto__", "constructor", "Shared"])("%p is nobody", (name) => {
  const registry = over([agentOf("shared")]);
  expect([registry.agent(name), registry.agentByApiKey(name), registry.agentBySpiffe(name)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("an agent of agents.yaml wins over a shared one of its id, whose key proves nothing", () => {
  const registry = over([agentOf("filed", { scopes: ["*:*"], spiffe: ["spiffe://d/other"] }, ["key-other"])]);
  expect(registry.agent("filed")?.scopes).toEqual(["a:*"]);
  expect(registry.agentByApiKey("key-other")).toBeUndefined();
  expect(registry.agentBySpiffe("spiffe://d/other")).toBeUndefined();
  expect(registry.agentByApiKey("key-filed")?.scopes).toEqual(["a:*"]);
  expect(registry.agents().filter(({ id }) => id === "filed")).toHaveLength(1);
  expect(registry.warnings).toEqual(["agent filed is registered over the API too; what agents.yaml says of it holds"]);
});

test.each<[string, StoredAgent[], string[]]>([
  ["over the API", [], ["filed"]],
  ["as the shared agent that it hides", [agentOf("filed", { disabled: true })], []],
])("an agent of agents.yaml that is disabled %s is disabled however it is found", (_, agents, disabled) => {
  const registry = over(agents, disabled);
  expect(registry.agent("filed")).toMatchObject({ scopes: ["a:*"], disabled: true });
  expect(registry.agentByApiKey("key-filed")?.disabled).toBe(true);
  expect(registry.agentBySpiffe("spiffe://d/filed")?.disabled).toBe(true);
  expect(registry.agents().find(({ id }) => id === "filed")?.disabled).toBe(true);
  expect(registry.entry("filed")?.agent.disabled).toBe(true);
  expect(file.agent("filed")?.disabled).toBe(false);
});

test("a shared agent is disabled by itself or by its id; what agents.yaml disables stays so", () => {
  const registry = over([agentOf("a", { disabled: true }), agentOf("b")], ["b"]);
  expect(registry.agentByApiKey("key-a")?.disabled).toBe(true);
  expect(registry.agentByApiKey("key-b")?.disabled).toBe(true);
  expect(registry.agent("retired")?.disabled).toBe(true);
});

test("a key proves one agent: that of the files, else that of the older agent, and never a person", () => {
  const agents = [
    agentOf("younger", { createdAtMs: 3 }, ["key-same", "key-younger"]),
    agentOf("older", { createdAtMs: 2 }, ["key-same"]),
    agentOf("thief", { createdAtMs: 1 }, ["key-filed", "token-alice", "key-thief"]),
  ];
  for (const order of [agents, [...agents].reverse()]) {
    const registry = over(order);
    expect(registry.agentByApiKey("key-same")?.id).toBe("older");
    expect(registry.agentByApiKey("key-younger")?.id).toBe("younger");
    expect(registry.agentByApiKey("key-filed")?.id).toBe("filed");
    expect(registry.agentByApiKey("key-thief")?.id).toBe("thief");
    expect(registry.agentByApiKey("token-alice")).toBeUndefined();
    expect(registry.warnings).toEqual([
      "an API key of agent thief proves somebody else too and is passed over",
      "an API key of agent thief proves somebody else too and is passed over",
      "an API key of agent younger proves somebody else too and is passed over",
    ]);
  }
});

test("a SPIFFE id is one agent's, and has the form of one", () => {
  const registry = over([
    agentOf("b", { createdAtMs: 2, spiffe: ["spiffe://d/filed", "spiffe://d/same", "spiffe://D/x"] }),
    agentOf("a", { createdAtMs: 2, spiffe: ["spiffe://d/same"] }),
  ]);
  expect(registry.agentBySpiffe("spiffe://d/same")?.id).toBe("a");
  expect(registry.agentBySpiffe("spiffe://d/filed")?.id).toBe("filed");
  expect(registry.agentBySpiffe("spiffe://D/x")).toBeUndefined();
  expect(registry.warnings).toHaveLength(3);
  expect(registry.warnings[0]).toBe(
    "the SPIFFE id spiffe://d/filed of agent b is another agent's, or none, and is passed over",
  );
});

test("a key that was replaced ends by the clock, and then hides no other", () => {
  const ending = { sha256: sha256Hex("key-ending"), untilMs: nowMs + 1000 };
  const registry = over([agentOf("a", { keys: [{ sha256: sha256Hex("key-new") }, ending] })]);
  expect(registry.agentByApiKey("key-ending")?.id).toBe("a");
  nowMs += 999;
  expect(registry.agentByApiKey("key-ending")?.id).toBe("a");
  nowMs += 1;
  expect(registry.agentByApiKey("key-ending")).toBeUndefined();
  expect(registry.agentByApiKey("key-new")?.id).toBe("a");
  const later = over([
    agentOf("a", { createdAtMs: 1, keys: [ending] }),
    agentOf("b", { createdAtMs: 2 }, ["key-ending"]),
  ]);
  expect(later.agentByApiKey("key-ending")?.id).toBe("b");
  expect(later.warnings).toEqual([]);
});

test.each(["*", "", "a b", "a\n"])("a shared agent of a name that nobody can register is nobody: %j", (id) => {
  const registry = over([agentOf(id, {}, ["key-odd"])]);
  expect(registry.agent(id)).toBeUndefined();
  expect(registry.agentByApiKey("key-odd")).toBeUndefined();
});

test("look-ups do not grow with the registry", () => {
  const lookUps = (size: number): (() => void) => {
    const registry = over(
      Array.from({ length: size }, (_, n) => agentOf(`agent-${n}`, { spiffe: [`spiffe://d/${n}`] })),
    );
    return () => {
      for (let at = 0; at < 300; at++) {
        const n = (at * 61) % size;
        for (const found of [
          registry.agent(`agent-${n}`),
          registry.agentBySpiffe(`spiffe://d/${n}`),
          registry.agentByApiKey(`key-agent-${n}`),
        ]) {
          if (found?.id !== `agent-${n}`) throw new Error("not found");
        }
      }
    };
  };
  const [few, many] = [lookUps(100), lookUps(20_000)];
  // The shortest of several rounds, taken in turns: whatever else the machine does, a look through all would be 200 times as much.
  const shortest = { few: Number.POSITIVE_INFINITY, many: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 9; round++) {
    shortest.few = Math.min(shortest.few, timeOf(few));
    shortest.many = Math.min(shortest.many, timeOf(many));
  }
  expect(shortest.many / shortest.few).toBeLessThan(30);
});

function timeOf(run: () => void): number {
  const began = performance.now();
  run();
  return performance.now() - began;
}
