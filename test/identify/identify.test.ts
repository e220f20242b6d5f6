import { identify } from "../../src/identify/index.js";
import { issueToken, type TokenRequest } from "../../src/identify/issue.js";
import type { SigningKey } from "../../src/keys/keys.js";
import { Refusal } from "../../src/refusal.js";
import { audience, forge, goodClaims, goodHeader, issuers, issuerUrl, maxTtlMs, now, seconds } from "./fixture.js";

let fixture: Awaited<ReturnType<typeof issuers>>;
beforeAll(async () => {
  fixture = await issuers();
});

const as = (...headers: [string, string][]) =>
  identify({ headers: headers.map(([name, value]) => ({ name, value })) }, fixture.context);

async function reasonFor(...headers: [string, string][]): Promise<string> {
  const error = await as(...headers).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof Refusal ? error.reason : `not refused: ${error}`;
}

function request(more: Partial<TokenRequest> = {}): TokenRequest {
  const agent = { id: "deploy-manager", model: "model-of-the-token" };
  const { key } = fixture;
  return { key, issuer: issuerUrl, audience, agent, ttlMs: 900_000, maxTtlMs, now, id: "jti-1", ...more };
}

const signed = (key: SigningKey, claims: object) => forge(goodHeader(key), claims, (input) => key.sign(input));

describe("a bearer token", () => {
  test("of the local issuer proves agent, session and facts", async () => {
    const token = await issueToken(
      request({
        scope: "deploy-api:deploy aws:* other:x",
        session_id: "abc-123",
        workflow_run_id: "gh-run-98765",
        initiated_by: "alice@example.com",
        role: "platform-engineer",
        clearance: "tier-2",
        facts: { artifact_signed: true, coverage: 0.9 },
      }),
    );
    expect(await as([":path", "/"], ["authorization", `Bearer ${token}`])).toEqual({
      agent: {
        id: "deploy-manager",
        model: "some-model-1",
        scopes: ["deploy-api:deploy", "aws:iam:CreateRole"],
        roles: ["ci"],
      },
      credential: "bearer_jwt",
      credentialHeader: "authorization",
      token: {
        iss: issuerUrl,
        sub: "deploy-manager",
        jti: "jti-1",
        aud: "countersign",
        scope: "deploy-api:deploy aws:* other:x",
        exp: seconds + 900,
      },
      session: {
        id: "abc-123",
        workflow_run_id: "gh-run-98765",
        initiated_by: "alice@example.com",
        role: "platform-engineer",
        clearance: "tier-2",
      },
      facts: { artifact_signed: true, coverage: 0.9 },
    });
  });

  test("without a scope claim has no scope, and without session claims no session", async () => {
    const identity = await as(["authorization", `Bearer ${await issueToken(request())}`]);
    expect(identity.agent.scopes).toEqual([]);
    expect(identity.session).toEqual({});
    expect(identity.facts).toEqual({});
    expect(identity.token?.scope).toBe("");
  });

  test("names the model only where the registry does not", async () => {
    const token = await issueToken(request({ agent: { id: "plain", model: "model-of-the-token" } }));
    expect((await as(["authorization", `Bearer ${token}`])).agent.model).toBe("model-of-the-token");
  });

  test.each(["bearer", "BEARER", "Bearer  ", "bEaReR"])("is accepted with the scheme spelled %p", async (scheme) => {
    const token = await issueToken(request());
    expect((await as(["authorization", `${scheme} ${token}`])).agent.id).toBe("deploy-manager");
  });

  test("may name several audiences, ours among them", async () => {
    const token = signed(fixture.key, { ...goodClaims, aud: ["other", audience] });
    expect((await as(["authorization", `Bearer ${token}`])).token?.aud).toBe(audience);
  });

  test("may come from the second key, by its kid", async () => {
    const token = await issueToken(request({ key: fixture.second }));
    expect((await as(["authorization", `Bearer ${token}`])).agent.id).toBe("deploy-manager");
  });

  test("holds until the second it expires, and not in it", async () => {
    const expiring = (exp: number) => signed(fixture.key, { ...goodClaims, exp });
    expect(await reasonFor(["authorization", `Bearer ${expiring(seconds)}`])).toBe("token_expired");
    expect((await as(["authorization", `Bearer ${expiring(seconds + 1)}`])).agent.id).toBe("deploy-manager");
  });

  test("may be issued by a clock that is a little ahead", async () => {
    const issued = (iat: number) => signed(fixture.key, { ...goodClaims, iat });
    expect((await as(["authorization", `Bearer ${issued(seconds + 5)}`])).agent.id).toBe("deploy-manager");
    expect(await reasonFor(["authorization", `Bearer ${issued(seconds + 6)}`])).toBe("token_not_yet_valid");
  });
});

describe("an API key", () => {
  test("proves the agent and nothing of a session", async () => {
    expect(await as(["x-api-key", "key-1"])).toEqual({
      agent: {
        id: "deploy-manager",
        model: "some-model-1",
        scopes: ["deploy-api:*", "aws:iam:CreateRole"],
        roles: ["ci"],
      },
      credential: "api_key",
      credentialHeader: "x-api-key",
      session: {},
      facts: {},
    });
  });

  test.each([
    ["key-2", "api_key_unknown"],
    ["Key-1", "api_key_unknown"],
    ["key-retired", "agent_disabled"],
    ["", "credential_malformed"],
    [" key-1", "credential_malformed"],
    ["key-1,key-1", "api_key_unknown"],
    ["k\u00e9y", "credential_malformed"],
    ["k".repeat(513), "credential_malformed"],
  ])("%p is refused with %s", async (key, reason) => {
    expect(await reasonFor(["x-api-key", key])).toBe(reason);
  });
});

describe("exactly one credential", () => {
  test("none is missing; look-alike headers are none", async () => {
    expect(await reasonFor()).toBe("credential_missing");
    expect(await reasonFor(["x-api_key", "key-1"], ["cookie", "authorization=x"])).toBe("credential_missing");
  });

  test("two are ambiguous, whether they hold or not", async () => {
    const bearer = `Bearer ${await issueToken(request())}`;
    expect(await reasonFor(["authorization", bearer], ["x-api-key", "key-1"])).toBe("credential_ambiguous");
    expect(await reasonFor(["authorization", bearer], ["authorization", bearer])).toBe("credential_ambiguous");
    expect(await reasonFor(["x-api-key", "key-1"], ["x-api-key", "key-1"])).toBe("credential_ambiguous");
    expect(await reasonFor(["authorization", "junk"], ["x-api-key", "key-1"])).toBe("credential_ambiguous");
    expect(await reasonFor(["authorization", ""], ["x-api-key", "key-1"])).toBe("credential_ambiguous");
    expect(await reasonFor(["authorization", `${bearer},${bearer}`])).toBe("credential_malformed");
  });
});

describe("issuing", () => {
  test.each([0, 999, -1, maxTtlMs + 1, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses a lifetime of %p ms",
    async (ttlMs) => {
      await expect(issueToken(request({ ttlMs }))).rejects.toThrow(RangeError);
    },
  );

  test("refuses what would not be accepted", async () => {
    await expect(issueToken(request({ session_id: "a b" }))).rejects.toThrow();
    await expect(issueToken(request({ initiated_by: "a\nb" }))).rejects.toThrow();
    await expect(issueToken(request({ scope: "t:a ".repeat(3000) }))).rejects.toThrow(RangeError);
  });
});
