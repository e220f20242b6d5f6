import { issueToken } from "../../src/identify/issue.js";
import { generateKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { type Authority, authority, basic, issuerUrl } from "./fixture.js";

let here: Authority;
let token: string;
beforeEach(async () => {
  here = await authority();
  token = (await here.exchange()).json().access_token;
  here.records.kept.length = 0;
});
afterEach(() => here.close());

const revoke = (form: Record<string, string>, headers = {}) => here.post(form, headers, "/oauth2/revoke");
const revoked = async () => (await here.store.changes(null)).revoked;

test("who holds a token ends it, until it would have expired", async () => {
  const { jti, exp = 0, session_id } = here.claims(await here.exchange());
  here.records.kept.length = 0;
  const fresh = (await here.exchange()).json().access_token;
  const answer = await revoke({ token });
  expect([answer.statusCode, answer.body, answer.headers["cache-control"]]).toEqual([200, "", "no-store"]);
  const ended = await revoked();
  expect(ended).toHaveLength(1);
  expect(ended[0]).toEqual({ jti: expect.stringMatching(/^01KJMK/), expiresAtMs: exp * 1000 });
  expect(ended[0]?.jti).not.toBe(jti);
  expect(here.recorded().at(-1)).toEqual({
    kind: "admin",
    timestamp: "2026-03-01T14:22:00.000Z",
    act: "token_revoked",
    by: "agent:deploy-manager",
    agent_id: "deploy-manager",
    detail: { jti: ended[0]?.jti, exp, session_id },
  });
  expect(fresh).not.toBe(token);
});

test("the hint is not looked at, and twice is the same", async () => {
  for (const token_type_hint of ["refresh_token", "access_token", "nonsense"]) {
    expect((await revoke({ token, token_type_hint })).statusCode).toBe(200);
  }
  expect(await revoked()).toHaveLength(1);
  expect(here.recorded()).toHaveLength(1);
});

test("the end of a token is recorded once, also when many ask for it together", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => revoke({ token })));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(20).fill(200));
  expect(here.recorded().map(({ act }) => act)).toEqual(["token_revoked"]);
  const other = (await here.exchange()).json().access_token;
  await revoke({ token: other });
  expect(here.recorded().filter(({ act }) => act === "token_revoked")).toHaveLength(2);
});

describe("what is no token of ours is left alone", () => {
  const made = async (more: object) =>
    issueToken({
      key: here.key,
      issuer: issuerUrl,
      audience: "countersign",
      agent: { id: "plain" },
      ttlMs: 60_000,
      maxTtlMs: 3_600_000,
      now: here.nowMs,
      id: "foreign",
      ...more,
    });
  const rows: [string, () => Promise<string> | string][] = [
    ["nonsense", () => "x"],
    ["an API key", () => "key-plain"],
    ["a job's token", () => here.ciToken()],
    ["an expired one", () => made({ now: here.nowMs - 60_001 })],
    ["one of another issuer", () => made({ issuer: "https://other.example" })],
    ["one for somebody else", () => made({ audience: "other" })],
    ["one by a stranger's key", async () => made({ key: await signingKeyOf(generateKey("OKP", "issuer")) })],
    ["one with another signature", () => `${token.slice(0, -4)}AAAA`],
    ["one of nobody's claims", () => token.replace(/\.[\w-]+\./, ".eyJqdGkiOiJ4In0.")],
  ];
  test.each(rows)("%s", async (_name, text) => {
    const answer = await revoke({ token: await text() });
    expect([answer.statusCode, answer.body]).toEqual([200, ""]);
    expect(await revoked()).toEqual([]);
    expect(here.recorded()).toEqual([]);
  });
});

test("a token of an agent that is disabled by now can be ended", async () => {
  const agent = here.registry.agent("deploy-manager");
  if (!agent) throw new Error("not there");
  here.registry = { ...here.registry, agent: () => ({ ...agent, disabled: true }) };
  expect((await revoke({ token })).statusCode).toBe(200);
  expect(await revoked()).toHaveLength(1);
});

describe("client credentials", () => {
  test("are not needed, and of the token's agent they are right", async () => {
    expect((await revoke({ token }, basic("deploy-manager", "key-1"))).statusCode).toBe(200);
    expect((await revoke({ token, client_id: "deploy-manager" })).statusCode).toBe(200);
  });

  test.each([
    ["a wrong key", { client_id: "deploy-manager", client_secret: "x" }, {}, 401, "invalid_client"],
    ["a wrong header", {}, basic("deploy-manager", "x"), 401, "invalid_client"],
    ["another scheme", {}, { authorization: "Bearer x" }, 401, "invalid_client"],
    ["another agent", {}, basic("plain", "key-plain"), 400, "invalid_grant"],
    ["another client_id", { client_id: "plain" }, {}, 400, "invalid_grant"],
  ])("%s ends nothing", async (_name, form, headers, status, error) => {
    const answer = await revoke({ token, ...form }, headers);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
    expect(await revoked()).toEqual([]);
    expect(here.recorded()).toEqual([]);
  });
});

test("no token is a mistake", async () => {
  for (const form of [{}, { token: "" }, { access_token: token }]) {
    const answer = await revoke(form as Record<string, string>);
    expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_request"]);
  }
});

test("without the store it is 503 and not recorded as done", async () => {
  here.store.revoke = async () => {
    throw new StoreUnavailable("no answer from 10.0.0.7");
  };
  const answer = await revoke({ token });
  expect([answer.statusCode, answer.json().reason]).toEqual([503, "store_unavailable"]);
  expect(here.recorded()).toEqual([]);
});

test("a token ends even when that cannot be recorded, and the same request later records it", async () => {
  here.records.broken = true;
  expect((await revoke({ token })).json()).toMatchObject({ error: "temporarily_unavailable" });
  expect(await revoked()).toHaveLength(1);
  here.records.broken = false;
  expect((await revoke({ token })).statusCode).toBe(200);
  expect(here.recorded().map(({ act }) => act)).toEqual(["token_revoked"]);
});
