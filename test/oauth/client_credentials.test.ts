import { AuditUnavailable } from "../../src/audit/record.js";
import { localIssuer } from "../../src/identify/local_issuer.js";
import { Refusal } from "../../src/refusal.js";
import { type Authority, authority, basic, issuerUrl, registryWith } from "./fixture.js";

let here: Authority;
beforeEach(async () => {
  here = await authority();
});
afterEach(() => here.close());

const good = { grant_type: "client_credentials", client_id: "deploy-manager", client_secret: "key-1" };

test("the token holds here, and says who and nothing of a session", async () => {
  const answer = await here.post(good);
  const verifier = localIssuer({ issuer: issuerUrl, audience: "countersign", maxTtlMs: 3_600_000, keys: [here.key] });
  const iat = here.nowMs / 1000;
  expect(await verifier.verify(answer.json().access_token, here.nowMs)).toEqual({
    iss: issuerUrl,
    sub: "deploy-manager",
    aud: "countersign",
    iat,
    exp: iat + 900,
    jti: expect.stringMatching(/^01KJMK/),
    scope: "deploy-api:* logs:read",
    agent_model: "some-model-1",
  });
  expect(Object.keys(answer.json()).sort()).toEqual(["access_token", "expires_in", "scope", "token_type"]);
});

test("no parameter puts a session or a person into it", async () => {
  const wanted = {
    session_id: "mine",
    initiated_by: "alice",
    role: "admin",
    clearance: "tier-1",
    agent_model: "other",
    facts: '{"tests_passed":true}',
    subject_token: await here.ciToken(),
  };
  const answer = await here.post({ ...good, ...wanted });
  expect(answer.statusCode).toBe(200);
  const claims = here.claims(answer);
  for (const name of ["session_id", "workflow_run_id", "initiated_by", "role", "clearance", "facts", "task"]) {
    expect(claims).not.toHaveProperty(name);
  }
  expect(claims.agent_model).toBe("some-model-1");
});

test("each token has an id of its own", async () => {
  const [first, second] = [await here.post(good), await here.post(good)];
  expect(here.claims(first).jti).not.toBe(here.claims(second).jti);
});

test.each([
  ["no client", {}, "invalid_client", 401],
  ["no secret", { client_id: "plain" }, "invalid_client", 401],
  ["no id", { client_secret: "key-plain" }, "invalid_request", 400],
  ["another agent's key", { client_id: "plain", client_secret: "key-1" }, "invalid_client", 401],
  ["an unknown key", { client_id: "plain", client_secret: "key-plain " }, "invalid_client", 401],
  ["an unknown client", { client_id: "nobody", client_secret: "key-plain" }, "invalid_client", 401],
  ["a disabled agent", { client_id: "retired", client_secret: "key-retired" }, "unauthorized_client", 400],
  ["a disabled agent with another key", { client_id: "retired", client_secret: "key-1" }, "invalid_client", 401],
])("%s gets none", async (_name, client, error, status) => {
  const answer = await here.post({ grant_type: "client_credentials", ...client });
  expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
  expect(answer.headers["www-authenticate"]).toEqual(status === 401 ? expect.stringMatching(/^Basic /) : undefined);
  expect(here.recorded()).toEqual([]);
});

test("an unknown client and a wrong secret are answered alike", async () => {
  const [unknown, wrong] = [
    await here.post({ ...good, client_id: "nobody" }),
    await here.post({ ...good, client_secret: "x" }),
  ];
  expect(unknown.body).toBe(wrong.body);
});

test("who is disabled or gone by now gets none", async () => {
  expect((await here.post(good)).statusCode).toBe(200);
  const agent = here.registry.agent("deploy-manager");
  if (!agent) throw new Error("not there");
  here.registry = { ...here.registry, agentByApiKey: () => ({ ...agent, disabled: true }) };
  const answer = await here.post(good);
  expect(answer.json()).toMatchObject({ error: "unauthorized_client", reason: "agent_disabled" });
  here.registry = { ...registryWith(), agentByApiKey: () => undefined };
  expect((await here.post(good)).json().error).toBe("invalid_client");
});

describe("scope", () => {
  const ask = (scope: string, more: Record<string, string> = {}) => here.post({ ...good, scope, ...more });

  test.each([
    ["deploy-api:deploy", "deploy-api:deploy"],
    ["logs:read deploy-api:*", "logs:read deploy-api:*"],
    ["  deploy-api:deploy  deploy-api:deploy ", "deploy-api:deploy"],
    ["deploy-api:iam:x", "deploy-api:iam:x"],
  ])("%p is given as %p", async (asked, given) => {
    const answer = await ask(asked);
    expect([answer.statusCode, answer.json().scope, here.claims(answer).scope]).toEqual([200, given, given]);
  });

  test.each([
    ["logs:write", "logs:write"],
    ["deploy-api:deploy logs:*", "logs:*"],
    ["*:*", "*:*"],
    ["*:read", "*:read"],
    ["deploy-api", "deploy-api"],
    ["deploy-api:", "deploy-api:"],
    [":deploy", ":deploy"],
    ["openid", "openid"],
    ["__proto__:x", "__proto__:x"],
  ])("%p is refused, and %p is named", async (asked, named) => {
    const answer = await ask(asked);
    expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_scope"]);
    expect(answer.json().error_description).toBe(
      `'${named}' is outside what the agent is registered for: deploy-api:* logs:read`,
    );
  });

  test("blanks alone are no scope", async () => {
    expect((await ask("  ")).json().error).toBe("invalid_scope");
  });

  test("an agent that is registered for nothing gets a token for nothing", async () => {
    const answer = await here.post({ grant_type: "client_credentials" }, basic("idle", "key-idle"));
    expect([answer.statusCode, answer.json().scope, here.claims(answer).scope]).toEqual([200, "", ""]);
  });

  test("what would be too long for a token is refused", async () => {
    const scope = Array.from({ length: 800 }, (_, i) => `deploy-api:action-${i}`).join(" ");
    const answer = await ask(scope);
    expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_request"]);
    expect(here.recorded()).toEqual([]);
  });
});

test.each(["audience", "resource"])("%s is ours or nothing", async (name) => {
  expect((await here.post({ ...good, [name]: "countersign" })).statusCode).toBe(200);
  const answer = await here.post({ ...good, [name]: "https://other.example" });
  expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_target"]);
});

test.each([undefined, "password", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS", "toString"])(
  "grant_type %p is refused",
  async (grantType) => {
    const answer = await here.post({ ...good, grant_type: grantType ?? "" });
    const error = grantType === undefined ? "invalid_request" : "unsupported_grant_type";
    expect([answer.statusCode, answer.json().error]).toEqual([400, error]);
  },
);

test("the lifetime is never more than the maximum", async () => {
  await here.close();
  here = await authority({ issuer: { ttlMs: 7_200_000, maxTtlMs: 60_500 } });
  const answer = await here.post(good);
  const { iat = 0, exp = 0 } = here.claims(answer);
  expect([answer.json().expires_in, exp - iat]).toEqual([60, 60]);
});

describe("records", () => {
  test("each token leaves one, without the token and the key", async () => {
    const answer = await here.post({ ...good, scope: "logs:read" });
    const { jti, exp } = here.claims(answer);
    expect(here.recorded()).toEqual([
      {
        kind: "admin",
        timestamp: "2026-03-01T14:22:00.000Z",
        act: "token_issued",
        by: "agent:deploy-manager",
        agent_id: "deploy-manager",
        detail: { grant_type: "client_credentials", jti, scope: "logs:read", exp },
      },
    ]);
    const text = JSON.stringify(here.recorded());
    expect(text).not.toContain("key-1");
    expect(text).not.toContain(answer.json().access_token.split(".")[2]);
  });

  test("without a record there is no token", async () => {
    here.records.broken = true;
    const answer = await here.post(good);
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({
      error: "temporarily_unavailable",
      error_description: "it could not be recorded; try again later",
      reason: "audit_unavailable",
    });
    expect(here.api.logged.map(({ message }) => message)).toEqual(["it could not be recorded; try again later"]);
  });

  test("the answer waits for the record", async () => {
    let finish = () => {};
    let begun = () => {};
    const reached = new Promise<void>((resolve) => {
      begun = resolve;
    });
    here.records.append = () => {
      begun();
      return new Promise((_, reject) => {
        finish = () => reject(new AuditUnavailable("disk full"));
      });
    };
    let answered = false;
    const answer = here.post(good).finally(() => {
      answered = true;
    });
    await reached;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toBe(false);
    finish();
    expect((await answer).statusCode).toBe(503);
  });
});

test("what other processes did is waited for, and without the store there is no token", async () => {
  await here.close();
  let asked = 0;
  const fresh = async () => {
    asked += 1;
    throw new Refusal("store_unavailable", "the store did not answer", { cause: new Error("10.0.0.7") });
  };
  here = await authority({ oauth: { revocations: { fresh } } });
  const answer = await here.post(good);
  expect([asked, answer.statusCode]).toEqual([1, 503]);
  expect(answer.json()).toMatchObject({ error: "temporarily_unavailable", reason: "store_unavailable" });
  expect(answer.body).not.toContain("10.0.0.7");
});
