import { SignJWT } from "jose";
import { localIssuer } from "../../src/identify/local_issuer.js";
import { Refusal } from "../../src/refusal.js";
import { StoreUnavailable } from "../../src/store/store.js";
import { type Authority, authority, basic, entry, exchangeGrant, issuerUrl, tokenType } from "./fixture.js";

let here: Authority;
const start = async (...entries: object[]) => {
  await here?.close();
  here = await authority(entries.length > 0 ? { entries } : {});
};
beforeEach(() => start());
afterAll(() => here.close());

test("a job's token becomes an agent's token", async () => {
  const answer = await here.exchange();
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({
    access_token: expect.any(String),
    token_type: "Bearer",
    expires_in: 900,
    scope: "deploy-api:* logs:read",
    session_id: expect.stringMatching(/^ses_[\w-]{16,}$/),
    issued_token_type: tokenType("access_token"),
  });
  const verifier = localIssuer({ issuer: issuerUrl, audience: "countersign", maxTtlMs: 3_600_000, keys: [here.key] });
  expect(await verifier.verify(answer.json().access_token, here.nowMs)).toMatchObject({
    sub: "deploy-manager",
    session_id: answer.json().session_id,
    workflow_run_id: "4711",
    initiated_by: "alice@example.com",
    role: "platform-lead",
    clearance: "tier-1",
    agent_model: "some-model-1",
  });
});

describe("the claim map", () => {
  test("comes before people.yaml", async () => {
    await start({ ...entry, claims: { ...entry.claims, role: "job_role", clearance: ["job", "clearance"] } });
    const answer = await here.exchange({}, { job_role: "intern", job: { clearance: "tier-3" } });
    expect(here.claims(answer)).toMatchObject({
      initiated_by: "alice@example.com",
      role: "intern",
      clearance: "tier-3",
    });
  });

  test("somebody unknown is named as the issuer does, and has no role", async () => {
    const claims = here.claims(await here.exchange({}, { actor: "mallory" }));
    expect(claims.initiated_by).toBe("mallory");
    expect(claims).not.toHaveProperty("role");
    expect(claims).not.toHaveProperty("clearance");
  });

  test("facts and model; a registered model stays", async () => {
    const map = {
      ...entry.claims,
      agent_model: "model",
      facts: { tests_passed: "tests", signed: ["build", "signed"] },
    };
    await start({ ...entry, claims: map }, { ...entry, agent: "plain", claims: map });
    const job = { model: "job-model", tests: true, build: { signed: false } };
    const plain = here.claims(await here.exchange({ client_id: "plain" }, job));
    expect(plain).toMatchObject({ agent_model: "job-model", facts: { tests_passed: true, signed: false } });
    const other = here.claims(await here.exchange({ client_id: "deploy-manager" }, job));
    expect(other.agent_model).toBe("some-model-1");
  });

  test("no parameter stands for a claim", async () => {
    const claims = here.claims(
      await here.exchange({ session_id: "x", initiated_by: "bob", role: "admin", workflow_run_id: "1", facts: "{}" }),
    );
    expect(claims).toMatchObject({ initiated_by: "alice@example.com", role: "platform-lead", workflow_run_id: "4711" });
    expect(claims.session_id).toMatch(/^ses_/);
    expect(claims).not.toHaveProperty("facts");
  });

  test("without session_id the token binds no session", async () => {
    await start({ ...entry, claims: { initiated_by: "actor" } });
    const answer = await here.exchange();
    expect(answer.json()).not.toHaveProperty("session_id");
    expect(here.claims(answer)).not.toHaveProperty("session_id");
  });

  test("a claim that is named and missing refuses the token", async () => {
    const answer = await here.exchange({}, { run_id: undefined });
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      expect.objectContaining({ error: "invalid_request", reason: "token_condition" }),
    ]);
    expect(here.recorded()).toEqual([]);
  });
});

describe("laundering", () => {
  const sessionOf = async (form: Record<string, string> = {}, claims = {}) =>
    (await here.exchange(form, claims)).json().session_id;

  test("the same run is the same session, however often it asks", async () => {
    const first = await sessionOf();
    here.nowMs += 600_000;
    expect(await sessionOf({ scope: "logs:read" }, { jti: "another", actor: "mallory" })).toBe(first);
    expect(await sessionOf({}, { run_id: "4712" })).not.toBe(first);
  });

  test("another agent's session is another one", async () => {
    await start(entry, { ...entry, agent: "plain" });
    const [one, other] = [await sessionOf({ client_id: "deploy-manager" }), await sessionOf({ client_id: "plain" })];
    expect(one).not.toBe(other);
  });

  test("a token of ours cannot be exchanged for another one", async () => {
    const own = (await here.exchange()).json().access_token;
    for (const name of ["access_token", "jwt"]) {
      const answer = await here.exchange({ subject_token: own, subject_token_type: tokenType(name) });
      expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_request"]);
      expect(answer.json().reason).toBe("token_wrong_issuer");
    }
  });
});

describe("which agent", () => {
  beforeEach(() => start(entry, { ...entry, agent: "plain", scopes: ["deploy-api:*"] }));

  test("several and none selected is refused, and none is named", async () => {
    const answer = await here.exchange();
    expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_request"]);
    expect(answer.body).not.toMatch(/plain|deploy-manager/);
    expect(here.recorded()).toEqual([]);
  });

  test.each(["plain", "deploy-manager"])("client_id selects %s", async (client_id) => {
    expect(here.claims(await here.exchange({ client_id })).sub).toBe(client_id);
  });

  test("credentials select too, and have to be right", async () => {
    const form = {
      grant_type: exchangeGrant,
      subject_token: await here.ciToken(),
      subject_token_type: tokenType("jwt"),
    };
    expect(here.claims(await here.post(form, basic("plain", "key-plain"))).sub).toBe("plain");
    const wrong = await here.post(form, basic("plain", "key-1"));
    expect([wrong.statusCode, wrong.json().error]).toEqual([401, "invalid_client"]);
    const body = await here.post({ ...form, client_id: "plain", client_secret: "wrong" });
    expect([body.statusCode, body.json().error]).toEqual([401, "invalid_client"]);
  });

  test.each(["idle", "nobody", "__proto__"])("it does not stand for %s", async (client_id) => {
    const answer = await here.exchange({ client_id });
    expect(answer.json()).toMatchObject({ error: "invalid_request", reason: "token_condition" });
  });

  test("the entry bounds the scopes", async () => {
    expect((await here.exchange({ client_id: "plain" })).json().scope).toBe("deploy-api:*");
    const answer = await here.exchange({ client_id: "plain", scope: "logs:read" });
    expect(answer.json()).toEqual({
      error: "invalid_scope",
      error_description: "'logs:read' is outside what the agent gets by tokens of this issuer: deploy-api:*",
    });
  });
});

test("an entry whose scopes the agent is not registered for gives nothing", async () => {
  await start({ ...entry, scopes: ["billing:*"] });
  expect((await here.exchange()).json().error).toBe("invalid_scope");
});

test.each([
  ["retired", "agent_disabled"],
  ["nobody", "agent_unknown"],
])("%s gets none: %s", async (agent, reason) => {
  await start({ ...entry, agent });
  const answer = await here.exchange();
  expect([answer.statusCode, answer.json()]).toEqual([
    400,
    expect.objectContaining({ error: "unauthorized_client", reason }),
  ]);
  expect(here.recorded()).toEqual([]);
});

describe("types", () => {
  test.each(["id_token", "jwt", "access_token"])("subject_token_type %s", async (name) => {
    expect((await here.exchange({ subject_token_type: tokenType(name) })).statusCode).toBe(200);
  });

  test.each(["access_token", "jwt"])("requested_token_type %s", async (name) => {
    const answer = await here.exchange({ requested_token_type: tokenType(name) });
    expect(answer.json()).toMatchObject({ issued_token_type: tokenType(name), token_type: "Bearer" });
  });

  test.each([
    ["no subject_token", { subject_token: "" }],
    ["no subject_token_type", { subject_token_type: "" }],
    ["a short subject_token_type", { subject_token_type: "jwt" }],
    ["SAML", { subject_token_type: tokenType("saml2") }],
    ["a refresh token as subject", { subject_token_type: tokenType("refresh_token") }],
    ["a refresh token", { requested_token_type: tokenType("refresh_token") }],
    ["an id token", { requested_token_type: tokenType("id_token") }],
    ["an actor", { actor_token: "x", actor_token_type: tokenType("jwt") }],
    ["an actor's type alone", { actor_token_type: tokenType("jwt") }],
  ])("%s is refused", async (_name, form) => {
    const answer = await here.exchange(form);
    expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_request"]);
    expect(here.recorded()).toEqual([]);
  });
});

describe("subject tokens that do not hold", () => {
  const seconds = () => here.nowMs / 1000;
  const rows: [string, () => Promise<string> | string, string][] = [
    ["no token", () => "x", "credential_malformed"],
    ["expired", () => here.ciToken({ iat: seconds() - 900, exp: seconds() - 600 }), "token_expired"],
    ["for somebody else", () => here.ciToken({ aud: "sts.example" }), "token_wrong_audience"],
    ["of somebody else", () => here.ciToken({ iss: "https://other.example" }), "token_wrong_issuer"],
    ["of another repository", () => here.ciToken({ repository: "mallory/shop" }), "token_condition"],
    ["a year long", () => here.ciToken({ exp: seconds() + 31_536_000 }), "token_lifetime"],
    ["with another claim", async () => spoiled(await here.ciToken()), "token_invalid"],
    ["signed with a secret", () => hmac(here), "token_invalid"],
  ];
  test.each(rows)("%s", async (_name, token, reason) => {
    const answer = await here.exchange({ subject_token: await token() });
    expect([answer.statusCode, answer.json().error, answer.json().reason]).toEqual([400, "invalid_request", reason]);
    expect(answer.headers["www-authenticate"]).toBeUndefined();
    expect(answer.json().error_description).not.toMatch(/jose|JWS|jwks|\/tmp|kid/i);
    expect(here.recorded()).toEqual([]);
  });

  function spoiled(token: string): string {
    const [header, , signature] = token.split(".");
    const claims = { iss: entry.issuer, aud: entry.audience, sub: "x", iat: seconds(), exp: seconds() + 60 };
    return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
  }

  function hmac({ nowMs }: Authority): Promise<string> {
    return new SignJWT({ repository: "acme/shop", run_id: "1", actor: "alice" })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(entry.issuer)
      .setAudience(entry.audience)
      .setSubject("x")
      .setIssuedAt(nowMs / 1000)
      .setExpirationTime(nowMs / 1000 + 60)
      .sign(Buffer.alloc(32, "x"));
  }
});

describe("when something is not there", () => {
  test("the issuer's keys", async () => {
    await here.close();
    here = await authority({ entries: [{ ...entry, jwks: "/nonexistent/jwks.json" }] });
    const answer = await here.exchange();
    expect([answer.statusCode, answer.json()]).toEqual([
      503,
      expect.objectContaining({ error: "temporarily_unavailable", reason: "issuer_unavailable" }),
    ]);
    expect(answer.body).not.toContain("nonexistent");
  });

  test("the store", async () => {
    here.store.pinTask = async () => {
      throw new StoreUnavailable("no answer from 10.0.0.7");
    };
    const answer = await here.exchange();
    expect([answer.statusCode, answer.json().reason]).toEqual([503, "store_unavailable"]);
    expect(answer.body).not.toContain("10.0.0.7");
    expect(here.recorded()).toEqual([]);
  });

  test("a refusal that makes no sense here is an error of ours", async () => {
    await here.close();
    const exchange = async () => {
      throw new Refusal("unknown_tool", "no tool");
    };
    const none = async () => {
      throw new Error("not asked");
    };
    here = await authority({
      oauth: {
        trusted: { exchange, knows: () => true, remembers: () => false, agent: none, person: none, close() {} },
      },
    });
    expect((await here.exchange()).statusCode).toBe(500);
  });
});

test("a claim that fits into no token is refused, and nothing is recorded", async () => {
  await start({ ...entry, claims: { ...entry.claims, facts: { all: "blob" } } });
  const answer = await here.exchange({}, { blob: "x".repeat(8_000) });
  expect([answer.statusCode, answer.json().error]).toEqual([400, "invalid_request"]);
  expect(here.recorded()).toEqual([]);
});

test("the record says by what and for whom, and holds no token", async () => {
  const answer = await here.exchange({ scope: "logs:read" });
  const { jti, exp, session_id } = here.claims(answer);
  expect(here.recorded()).toEqual([
    {
      kind: "admin",
      timestamp: "2026-03-01T14:22:00.000Z",
      act: "token_issued",
      by: "https://ci.example repo:acme/shop:ref:refs/heads/main",
      agent_id: "deploy-manager",
      detail: {
        grant_type: exchangeGrant,
        jti,
        scope: "logs:read",
        exp,
        session_id,
        workflow_run_id: "4711",
        initiated_by: "alice@example.com",
        role: "platform-lead",
        clearance: "tier-1",
        subject: {
          iss: "https://ci.example",
          sub: "repo:acme/shop:ref:refs/heads/main",
          jti: "ci-jti-1",
          aud: "countersign-exchange",
          exp: here.nowMs / 1000 + 300,
        },
      },
    },
  ]);
  expect(JSON.stringify(here.recorded())).not.toMatch(/eyJ/);
});
