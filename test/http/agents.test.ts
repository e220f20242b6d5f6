import { type AgentsService, agentsService } from "../../src/agents/service.js";
import { loadRegistry } from "../../src/registry/load.js";
import { systemRuntime } from "../../src/runtime.js";
import { memoryStore } from "../../src/store/memory.js";
import type { Store } from "../../src/store/store.js";
import { key } from "../agents/fixture.js";
import { Records } from "../approvals/fixture.js";
import { type Api, api, as } from "./fixture.js";

const odd = "team-a/deploy:bot@ci";
let made: Api;
let store: Store;
let records: Records;
let service: AgentsService;

beforeEach(async () => {
  const agents = `agents: [{id: deploy-manager, model: m, scopes: ["a:*"]}, {id: retired, disabled: true}]`;
  const file = loadRegistry({ agents: { file: "agents.yaml", text: agents } });
  store = memoryStore(systemRuntime);
  records = new Records();
  service = agentsService({
    shared: store.registry,
    key,
    fileRegistry: () => file,
    audit: records,
    runtime: systemRuntime,
    intervalMs: null,
  });
  made = await api({ agents: service });
});
afterEach(async () => {
  await made.app.close();
  await service.close();
});

const get = (path = "", name = "viewer") => made.send({ url: `/v1/agents${path}`, headers: as(name) });
const post = (path = "", payload?: string | object) =>
  made.send({
    method: "POST",
    url: `/v1/agents${path}`,
    headers: { ...as("admin"), ...(typeof payload === "string" && { "content-type": "application/json" }) },
    ...(payload !== undefined && { payload }),
  });
const at = (id: string, act = "") => `/${encodeURIComponent(id)}${act}`;

test("an agent from its registration to its end", async () => {
  const spiffe = ["spiffe://cluster.local/ns/ci/sa/nightly"];
  const created = await post("", { id: "nightly", model: "m-1", scopes: ["deploy-api:*"], roles: ["ci"], spiffe });
  expect(created.statusCode).toBe(201);
  expect(created.headers.location).toBe("/v1/agents/nightly");
  const agent = {
    id: "nightly",
    source: "store",
    model: "m-1",
    scopes: ["deploy-api:*"],
    roles: ["ci"],
    spiffe,
    disabled: false,
    created_at: expect.any(String),
    keys: 1,
  };
  expect(created.json()).toEqual({ agent, api_key: expect.stringMatching(/^csk_[\w-]{43}$/) });
  expect(service.registry().agentByApiKey(created.json().api_key)?.id).toBe("nightly");

  expect((await get("/nightly")).json()).toEqual(agent);
  expect((await post("/nightly/disable")).json()).toEqual({ ...agent, disabled: true });
  expect((await post("/nightly/enable", {})).json()).toEqual(agent);
  const rotated = await post("/nightly/rotate-key", { keep_old_for: "10m" });
  expect([rotated.statusCode, rotated.json()]).toEqual([
    200,
    { agent: { ...agent, keys: 2 }, api_key: expect.stringMatching(/^csk_[\w-]{43}$/) },
  ]);
  expect((await post("/nightly/rotate-key")).json().agent.keys).toBe(1);
  expect(service.registry().agentByApiKey(created.json().api_key)).toBeUndefined();
  expect(records.kept).toMatchObject(
    ["agent_created", "agent_disabled", "agent_enabled", "agent_key_rotated", "agent_key_rotated"].map((act) => ({
      kind: "admin",
      act,
      by: "root@example.com",
      agent_id: "nightly",
    })),
  );
});

test("the list has both kinds and nothing that proves anything", async () => {
  const { api_key } = (await post("", { id: "nightly" })).json();
  for (const name of ["viewer", "auditor", "admin"]) {
    const answer = await get("", name);
    expect(answer.statusCode).toBe(200);
    expect(answer.json().agents.map(({ id, source }: { id: string; source: string }) => [id, source])).toEqual([
      ["deploy-manager", "file"],
      ["nightly", "store"],
      ["retired", "file"],
    ]);
    expect(answer.body).not.toMatch(/[0-9a-f]{64}|csk_/);
    expect(answer.body).not.toContain(api_key);
  }
});

test.each([odd, "a/b", "a:b", "x".repeat(128)])("the id %s works in a path", async (id) => {
  expect((await post("", { id })).statusCode).toBe(201);
  expect((await get(at(id))).json()).toMatchObject({ id, disabled: false });
  expect((await post(at(id, "/disable"))).json()).toMatchObject({ id, disabled: true });
  expect((await post(at(id, "/enable"))).json()).toMatchObject({ id, disabled: false });
  expect((await post(at(id, "/rotate-key"))).json().agent).toMatchObject({ id });
  const head = await made.send({ method: "HEAD", url: `/v1/agents${at(id)}`, headers: as("viewer") });
  expect(head.statusCode).toBe(200);
});

test.each([
  ["an id in lower-case escapes", "/team-a%2fdeploy%3abot%40ci", 200],
  ["every character escaped", `/${[...odd].map((c) => `%${c.charCodeAt(0).toString(16)}`).join("")}`, 200],
  ["an escape in an escape", "/team-a%252Fdeploy%3Abot%40ci", 404],
  ["slashes as they are", "/team-a/deploy:bot@ci", 404],
  ["another case", "/Team-a%2Fdeploy%3Abot%40ci", 404],
  ["no id", "/", 404],
  ["a NUL", "/a%00", 404],
  ["a broken escape", "/a%2", 400],
  ["an id that is too long", `/${"x".repeat(129)}`, 404],
  ["a very long one", `/${"x".repeat(5000)}`, 400],
  ["a prototype", "/__proto__", 404],
])("%s", async (_, path, status) => {
  await post("", { id: odd });
  const answer = await get(path);
  expect(answer.statusCode).toBe(status);
  if (status === 200) expect(answer.json().id).toBe(odd);
  else expect(answer.headers["content-type"]).toBe("application/problem+json");
});

test("agents of agents.yaml are disabled and enabled too, and their keys are rotated there", async () => {
  expect((await post("/deploy-manager/disable")).json()).toMatchObject({ source: "file", disabled: true });
  expect(service.registry().agent("deploy-manager")?.disabled).toBe(true);
  expect((await post("/deploy-manager/enable")).json()).toMatchObject({ source: "file", disabled: false });
  const rotated = await post("/deploy-manager/rotate-key");
  expect(rotated.json()).toMatchObject({
    status: 409,
    error: "Conflict",
    reason: "agent_in_file",
    detail: expect.stringContaining("countersign agent key deploy-manager"),
  });
});

test.each<[string, string, unknown, number, string]>([
  ["no id", "", {}, 400, "malformed_parameter"],
  ["an id that is none", "", { id: "*" }, 400, "malformed_parameter"],
  ["an id that is a number", "", { id: 7 }, 400, "malformed_parameter"],
  ["an unknown member", "", { id: "a", disabled: true }, 400, "malformed_parameter"],
  ["a key of one's own", "", { id: "a", api_keys: [{ sha256: "ab".repeat(32) }] }, 400, "malformed_parameter"],
  ["a scope without action", "", { id: "a", scopes: ["deploy"] }, 400, "malformed_parameter"],
  ["a role with a line break", "", { id: "a", roles: ["a\nb"] }, 400, "malformed_parameter"],
  ["a SPIFFE id with a port", "", { id: "a", spiffe: ["spiffe://d:1/a"] }, 400, "malformed_parameter"],
  ["a body that is no JSON", "", "{", 400, "malformed_body"],
  ["a body with a member twice", "", '{"id":"a","id":"b"}', 400, "malformed_body"],
  ["no body", "", undefined, 400, "malformed_parameter"],
  ["an id that is taken", "", { id: "deploy-manager" }, 409, "agent_exists"],
  ["to enable what the file disables", "/retired/enable", {}, 409, "disabled_in_file"],
  ["to disable nobody", "/nobody/disable", {}, 404, "unknown_agent"],
  ["to enable nobody", "/nobody/enable", {}, 404, "unknown_agent"],
  ["to rotate nobody's key", "/nobody/rotate-key", {}, 404, "unknown_agent"],
  ["a disable with words", "/deploy-manager/disable", { reason: "x" }, 400, "malformed_parameter"],
  ["a keep that is no duration", "/deploy-manager/rotate-key", { keep_old_for: "soon" }, 400, "malformed_parameter"],
  ["a keep that is a number", "/deploy-manager/rotate-key", { keep_old_for: 10 }, 400, "malformed_parameter"],
  ["a keep over a day", "/deploy-manager/rotate-key", { keep_old_for: "25h" }, 400, "malformed_parameter"],
])("%s is refused", async (_what, path, body, status, reason) => {
  const answer = await post(path, body as object);
  expect([answer.statusCode, answer.json().reason]).toEqual([status, reason]);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(records.kept).toEqual([]);
});

test("what cannot be recorded is not done", async () => {
  records.broken = true;
  const answer = await post("", { id: "nightly" });
  expect(answer.json()).toMatchObject({ status: 503, reason: "audit_unavailable" });
  expect((await post("/deploy-manager/disable")).statusCode).toBe(503);
  records.broken = false;
  expect((await get("/nightly")).statusCode).toBe(404);
  expect((await get("/deploy-manager")).json().disabled).toBe(false);
});

test("a store that does not answer is told as that", async () => {
  await store.close();
  for (const answer of [await get(), await get("/deploy-manager"), await post("", { id: "a" })]) {
    expect(answer.json()).toMatchObject({ status: 503, reason: "store_unavailable" });
  }
  expect(records.kept).toEqual([]);
});
