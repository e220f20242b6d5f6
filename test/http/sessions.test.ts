import { decodeJwt, decodeProtectedHeader } from "jose";
import { readAttestation } from "../../src/attestation/read.js";
import { sessionAttestations } from "../../src/attestation/service.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { issuer, newKey, now } from "../attestation/fixture.js";
import { remember } from "../attestation/remember.js";
import { type Api, api, as } from "./fixture.js";

let made: Api;
beforeEach(async () => {
  made = await api();
});
afterEach(() => made.app.close());

const at = (session: string, query = "") => `/v1/sessions/${encodeURIComponent(session)}/attestation${query}`;
const get = (url: string, headers: Record<string, string> = as("auditor")) => made.send({ url, headers });
const remembered = (agent: string, session = "abc-123", classification: string[] = ["pii"]) =>
  remember(made.here.store, { agent, session, classification });

test("the attestation, with the signature beside its fields", async () => {
  await remembered("deploy-manager");
  const answer = await get(at("abc-123"));
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({ "content-type": "application/json; charset=utf-8", vary: "accept" });
  const { signature, ...fields } = answer.json();
  expect(fields).toEqual({
    agent_id: "deploy-manager",
    session_id: "abc-123",
    initiated_by: "alice@example.com",
    role: "platform-lead",
    data_classification: ["pii"],
    anomalies_detected: false,
    session_integrity: "clean",
    signed_at: "2026-03-01T14:22:00.000Z",
  });
  expect(decodeJwt(signature)).toMatchObject({ ...fields, sub: "deploy-manager", iss: issuer });
  expect(decodeProtectedHeader(signature)).toMatchObject({ typ: "session-attestation+jwt", alg: "EdDSA" });
});

test.each([
  ["application/jwt", true],
  ["Application/JWT", true],
  ["application/jwt, */*;q=0.1", true],
  ["application/jwt;q=0.9, application/json;q=0.5", true],
  ["application/json, application/jwt", false],
  ["application/jwt;q=0", false],
  ["application/*", false],
  ["*/*", false],
  ["text/html", false],
  ["", false],
  ["application/jwtx", false],
])("accept: %s", async (accept, bare) => {
  await remembered("deploy-manager");
  const answer = await get(at("abc-123"), { ...as("auditor"), accept });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["content-type"]).toBe(bare ? "application/jwt" : "application/json; charset=utf-8");
  expect(/^[\w-]+\.[\w-]+\.[\w-]+$/.test(answer.body)).toBe(bare);
});

test("what is given out is accepted in x-session-attestation, of that agent and session only", async () => {
  const key = await newKey("OKP");
  const runtime = { now: () => now, id: () => "01KJMK0000000000000000JT11" };
  const { store } = made.here;
  await made.app.close();
  made = await api({ sessions: sessionAttestations({ store, key, issuer, runtime }) });
  await remember(store, { agent: "deploy-manager", session: "abc-123", classification: ["pii"] });
  const { body } = await get(at("abc-123"), { ...as("auditor"), accept: "application/jwt" });
  const context = { keys: [], own: { key, issuer }, maxAgeMs: 1, nowMs: now, session: "abc-123" };
  expect(readAttestation(body, { ...context, agent: "deploy-manager" })).toMatchObject({
    own: true,
    classification: ["pii"],
  });
  expect(() => readAttestation(body, { ...context, agent: "other-agent" })).toThrow("about another agent");
});

test("an agent sees the session of its credential and no other", async () => {
  await remembered("deploy-manager");
  await remembered("deploy-manager", "abc-124");
  await remembered("other-agent", "abc-123", ["config"]);
  const own = await made.agent("deploy-manager", "abc-123");
  expect((await get(at("abc-123"), own)).json()).toMatchObject({
    agent_id: "deploy-manager",
    data_classification: ["pii"],
  });
  expect((await get(at("abc-123", "?agent=deploy-manager"), own)).statusCode).toBe(200);
  const refused = [
    await get(at("abc-123", "?agent=other-agent"), own),
    await get(at("abc-124"), own),
    await get(at("nowhere"), own),
    await get(at("open:deploy-manager"), own),
    await get(at("abc-125"), await made.agent("deploy-manager", "abc-125")),
  ];
  expect(new Set(refused.map(({ statusCode, body }) => `${statusCode} ${body}`)).size).toBe(1);
  expect(refused[0]?.json()).toMatchObject({ status: 404, reason: "not_found" });
});

test("an agent whose credential binds no session sees its open one", async () => {
  await remembered("deploy-manager", "open:deploy-manager");
  await remembered("deploy-manager", "abc-123");
  const key = { "x-api-key": "key-deploy-manager" };
  expect((await get(at("open:deploy-manager"), key)).json()).toMatchObject({ session_id: "open:deploy-manager" });
  expect((await get(at("abc-123"), key)).statusCode).toBe(404);
});

test("people have to name the agent when several have a session of the id", async () => {
  await remembered("deploy-manager");
  await remembered("other-agent", "abc-123", ["config"]);
  const answer = await get(at("abc-123"));
  expect(answer.statusCode).toBe(409);
  expect(answer.json()).toMatchObject({
    error: "Conflict",
    reason: "session_ambiguous",
    agents: ["deploy-manager", "other-agent"],
    detail: expect.stringContaining("?agent="),
  });
  expect((await get(at("abc-123", "?agent=other-agent"))).json()).toMatchObject({ data_classification: ["config"] });
  expect((await get(at("abc-123", "?agent=nobody"))).statusCode).toBe(404);
});

test.each([
  ["nothing remembered", at("nowhere"), 404, "not_found"],
  ["an id with a space", at("a b"), 404, "not_found"],
  ["an id with a line break", at("a\nb"), 404, "not_found"],
  ["an id that is too long", at("x".repeat(161)), 404, "not_found"],
  ["an unknown parameter", at("abc-123", "?agents=x"), 400, "malformed_parameter"],
  ["the agent twice", at("abc-123", "?agent=a&agent=b"), 400, "malformed_parameter"],
  ["no agent", at("abc-123", "?agent="), 400, "malformed_parameter"],
])("%s", async (_name, url, status, reason) => {
  await remembered("deploy-manager");
  const answer = await get(url);
  expect([answer.statusCode, answer.json().reason]).toEqual([status, reason]);
});

test.each(["a/b", "x".repeat(128), "%2F", "{}[]\"'?#".repeat(16)])("the session %p", async (session) => {
  await remembered("deploy-manager", session);
  expect((await get(at(session))).json()).toMatchObject({ session_id: session });
});

test("HEAD tells what GET would, without the attestation", async () => {
  await remembered("deploy-manager");
  const head = await made.send({ method: "HEAD", url: at("abc-123"), headers: as("viewer") });
  expect([head.statusCode, head.body]).toEqual([200, ""]);
});

test("a store that does not answer is 503, and its message stays inside", async () => {
  await made.app.close();
  const down = () => Promise.reject(new StoreUnavailable("redis://secret:6379 is gone"));
  made = await api({ sessions: { agents: down, attest: down } });
  const answer = await get(at("abc-123"));
  expect([answer.statusCode, answer.json().reason]).toEqual([503, "store_unavailable"]);
  expect(answer.body).not.toContain("secret");
});
