import { sha256Hex } from "../../src/canonical.js";
import { InvalidFile } from "../../src/files/located_yaml.js";
import { loadRegistry } from "../../src/registry/load.js";

const keyHash = sha256Hex("key-1");
const tokenHash = sha256Hex("token-1");

const agentsText = `agents:
  - id: deploy-manager
    model: some-model-1
    scopes: ["deploy-api:*", "aws:iam:CreateRole"]
    roles: [ci]
    api_keys: [{sha256: "${keyHash.toUpperCase()}"}]
    spiffe: ["spiffe://cluster.local/ns/ci/sa/deploy-manager"]
  - {id: idle, disabled: true}
`;
const peopleText = `people:
  - id: alice@example.com
    aliases: [alice, U012AB3CD]
    access: [approver]
    groups: [sre]
    role: platform-lead
    clearance: tier-1
    tokens: [{sha256: "${tokenHash}"}]
  - {id: bob}
`;

function load(agents?: string, people?: string) {
  return loadRegistry({
    ...(agents === undefined ? {} : { agents: { file: "agents.yaml", text: agents } }),
    ...(people === undefined ? {} : { people: { file: "people.yaml", text: people } }),
  });
}

function mistakes(agents?: string, people?: string): string[] {
  try {
    load(agents, people);
  } catch (error) {
    if (error instanceof InvalidFile) return error.message.split("\n");
    throw error;
  }
  return [];
}

describe("the files of the documentation", () => {
  const registry = load(agentsText, peopleText);
  const deployManager = {
    id: "deploy-manager",
    model: "some-model-1",
    scopes: ["deploy-api:*", "aws:iam:CreateRole"],
    roles: ["ci"],
    disabled: false,
  };

  test("agents are found by id and by API key", () => {
    expect(registry.agent("deploy-manager")).toEqual(deployManager);
    expect(registry.agentByApiKey("key-1")).toEqual(deployManager);
    expect(registry.agents().map(({ id }) => id)).toEqual(["deploy-manager", "idle"]);
    expect(registry.agent("idle")).toEqual({ id: "idle", scopes: [], roles: [], disabled: true });
  });

  test("people are found by id, alias and token, whatever the case of a name", () => {
    const alice = registry.personByToken("token-1");
    expect(alice).toEqual({
      id: "alice@example.com",
      aliases: ["alice", "U012AB3CD"],
      access: ["approver"],
      groups: ["sre"],
      role: "platform-lead",
      clearance: "tier-1",
    });
    for (const name of ["alice@example.com", "alice", "U012AB3CD", "Alice@Example.com", "u012ab3cd", " alice "]) {
      expect(registry.person(name)).toBe(alice);
    }
    expect(registry.person("ａｌｉｃｅ")).toBe(alice);
    expect(registry.person("bob")).toEqual({ id: "bob", aliases: [], access: [], groups: [] });
    expect(registry.holdsToken("alice@example.com", sha256Hex("token-1"))).toBe(true);
    for (const [name, token] of [
      ["bob", "token-1"],
      ["alice", "token-1"],
      ["alice@example.com", "key-1"],
      ["alice@example.com", ""],
    ] as const) {
      expect(registry.holdsToken(name, sha256Hex(token))).toBe(false);
    }
  });

  test("who somebody is goes by the name as it is written, but for ASCII case", () => {
    const alice = registry.personByToken("token-1");
    for (const name of ["alice@example.com", "Alice@Example.COM"]) {
      expect([registry.personNamed(name, "id"), registry.personNamed(name)]).toEqual([alice, alice]);
    }
    for (const name of ["alice", "ALICE", "U012AB3CD", "u012ab3cd"]) {
      expect([registry.personNamed(name, "id"), registry.personNamed(name)]).toEqual([undefined, alice]);
    }
    const others = [
      "ａｌｉｃｅ",
      "Ⓐlice",
      "ⓐⓛⓘⓒⓔ",
      " alice ",
      "alice\u00a0",
      "alıce",
      "ALİCE",
      "ａlice@example.com",
      "",
      "__proto__",
    ];
    for (const name of others) expect([name, registry.personNamed(name)]).toEqual([name, undefined]);
  });

  test.each(["", "key-2", keyHash, "KEY-1", "token-1", "__proto__"])("the key %p is nobody's", (key) => {
    expect(registry.agentByApiKey(key)).toBeUndefined();
  });

  test.each(["", "token-2", tokenHash, "key-1", "__proto__"])("the token %p is nobody's", (token) => {
    expect(registry.personByToken(token)).toBeUndefined();
  });

  test.each(["", "*", "__proto__", "constructor", "Deploy-Manager"])("no agent is called %p", (id) => {
    expect(registry.agent(id)).toBeUndefined();
  });

  test("agents are found by a SPIFFE id as it is written, and by no other", () => {
    expect(registry.agentBySpiffe("spiffe://cluster.local/ns/ci/sa/deploy-manager")).toEqual(deployManager);
    for (const id of [
      "",
      "spiffe://cluster.local/ns/ci/sa/deploy-manager/",
      "spiffe://cluster.local/ns/ci/sa/Deploy-manager",
      "SPIFFE://cluster.local/ns/ci/sa/deploy-manager",
      "spiffe://cluster.local/ns/ci/sa/deploy%2Dmanager",
      "spiffe://cluster.local/ns/ci/sa",
      "__proto__",
    ]) {
      expect([id, registry.agentBySpiffe(id)]).toEqual([id, undefined]);
    }
    expect(registry.warnings).toEqual([]);
  });

  test("what proves somebody is known by its hash", () => {
    expect([keyHash, tokenHash, sha256Hex("key-2"), "key-1"].map(registry.holdsSecret)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(registry.entry("deploy-manager")).toEqual({
      agent: deployManager,
      keyHashes: [keyHash],
      spiffe: ["spiffe://cluster.local/ns/ci/sa/deploy-manager"],
    });
    expect(registry.entry("nobody")).toBeUndefined();
  });
});

test("without files nobody is registered", () => {
  const registry = load();
  expect(registry.agents()).toEqual([]);
  expect(registry.person("alice")).toBeUndefined();
  expect(registry.warnings).toEqual([]);
});

const idRule = "must be 1 to 128 characters of letters, digits and . _ @ : / -, the first a letter or digit";
const twice = `agents: [{id: a, api_keys: [{sha256: "${keyHash}"}]}, {id: b, api_keys: [{sha256: "${keyHash}"}]}]`;

test.each([
  ["id *", `agents: [{id: "*"}]`, `agents.yaml:1:15: agents[0].id: ${idRule}`],
  ["id with a space", "agents: [{id: a b}]", `agents.yaml:1:15: agents[0].id: ${idRule}`],
  ["empty id", `agents: [{id: ""}]`, `agents.yaml:1:15: agents[0].id: ${idRule}`],
  ["long id", `agents: [{id: ${"a".repeat(129)}}]`, `agents.yaml:1:15: agents[0].id: ${idRule}`],
  ["number id", "agents: [{id: 7}]", "agents.yaml:1:15: agents[0].id: expected a text, not a number"],
  ["same id", "agents:\n  - id: a\n  - id: a\n", "agents.yaml:3:9: agents[1].id: agent a is listed twice"],
  ["no colon", "agents: [{id: a, scopes: [deploy]}]", "1:27: agents[0].scopes[0]: must have the form tool:action"],
  ["no action", `agents: [{id: a, scopes: ["t:"]}]`, "1:27: agents[0].scopes[0]: must have the form tool:action"],
  ["no tool", `agents: [{id: a, scopes: [":a"]}]`, "1:27: agents[0].scopes[0]: must have the form tool:action"],
  ["two in one", `agents: [{id: a, scopes: ["t:a t:b"]}]`, "must have the form tool:action"],
  ["part of a part", `agents: [{id: a, scopes: ["deploy-*:x"]}]`, "agents[0].scopes[0]: * stands for a whole part"],
  ["short hash", `agents: [{id: a, api_keys: [{sha256: "ab"}]}]`, "must be the SHA-256 of the secret as 64 hex digits"],
  ["key in clear", `agents: [{id: a, api_keys: ["secret"]}]`, "agents[0].api_keys[0]: expected a map, not a text"],
  ["hash of nothing", `agents: [{id: a, api_keys: [{sha256: "${sha256Hex("")}"}]}]`, "is the hash of an empty secret"],
  ["same key", twice, "agents[1].api_keys[0].sha256: this key is listed twice; a key belongs to exactly one agent"],
  ["not SPIFFE", `agents: [{id: a, spiffe: ["https://x"]}]`, "agents[0].spiffe[0]: must be a SPIFFE id"],
  ["SPIFFE with a query", `agents: [{id: a, spiffe: ["spiffe://d/a?b"]}]`, "agents[0].spiffe[0]: must be a SPIFFE id"],
  [
    "same SPIFFE id",
    "agents:\n  - {id: a, spiffe: [spiffe://d/a]}\n  - {id: b, spiffe: [spiffe://d/b, spiffe://d/a]}\n",
    "agents.yaml:3:36: agents[1].spiffe[1]: spiffe://d/a is listed twice; a SPIFFE id belongs to exactly one agent",
  ],
  ["unknown key", "agents: [{id: a, scope: [x]}]", "agents[0].scope: unknown key"],
  ["empty file", "", "agents.yaml:1:1: agents: missing: expected a list"],
])("agents.yaml: %s", (_name, text, wanted) => {
  expect(mistakes(text)[0]).toContain(wanted);
});

test.each([
  [
    "alias of another",
    "people: [{id: a, aliases: [b]}, {id: b}]",
    "people.yaml:1:38: people[1].id: the name b is listed",
  ],
  [
    "alias in other case",
    "people: [{id: a, aliases: [Bo]}, {id: c, aliases: [bO]}]",
    "people[1].aliases[0]: the name bO is",
  ],
  ["own id as alias", "people: [{id: a, aliases: [A]}]", "people[0].aliases[0]: the name A is listed twice"],
  [
    "unknown access",
    "people: [{id: a, access: [root]}]",
    'people.yaml:1:27: people[0].access[0]: expected one of admin, approver, auditor, viewer, not "root"',
  ],
  [
    "agent access",
    "people: [{id: a, access: [agent]}]",
    'people[0].access[0]: expected one of admin, approver, auditor, viewer, not "agent"',
  ],
  ["bad hash", "people: [{id: a, tokens: [{sha256: xyz}]}]", "people[0].tokens[0].sha256: must be the SHA-256"],
  ["role with a line", `people: [{id: a, role: "x\\ny"}]`, "people[0].role: must be 1 to 128 characters"],
])("people.yaml: %s", (_name, text, wanted) => {
  expect(mistakes(undefined, text)[0]).toContain(wanted);
});

test("a secret proves one thing: an agent's key is no person's token", () => {
  const people = `people: [{id: eve, tokens: [{sha256: "${keyHash}"}]}]`;
  expect(mistakes(agentsText, people)).toEqual([
    "people.yaml:1:38: people[0].tokens[0].sha256: this is the API key of an agent; a person needs a token of their own",
  ]);
});

test("all mistakes of a file are told at once", () => {
  expect(mistakes(`agents: [{id: "*", scopes: [x]}, {id: b, api_keys: [{sha256: y}]}]`)).toHaveLength(3);
});
