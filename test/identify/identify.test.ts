import { jest } from "@jest/globals";
import { identify } from "../../src/identify/index.js";
import { issueToken, type TokenRequest } from "../../src/identify/issue.js";
import type { SigningKey } from "../../src/keys/keys.js";
import { Refusal } from "../../src/refusal.js";
import {
  audience,
  forge,
  goodClaims,
  goodHeader,
  issuers,
  issuerUrl,
  maxTtlMs,
  neverRevoked,
  now,
  registry,
  seconds,
} from "./fixture.js";

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

describe("what a session is for", () => {
  test.each([
    [{ service: ["shop"] }],
    [{ environment: ["staging", "test"], image: ["registry.internal/shop@sha256:00"] }],
    [{}],
  ])("%p is in the token and in the session", async (task) => {
    const token = await issueToken(request({ task }));
    expect((await as(["authorization", `Bearer ${token}`])).session).toEqual({ task });
  });

  test.each([[{ service: [] }], [{ service: [""] }], [{ region: ["eu"] }], [{ image: ["a\nb"] }]])(
    "%p cannot be issued",
    async (task) => {
      await expect(issueToken(request({ task: task as TokenRequest["task"] & object }))).rejects.toThrow();
    },
  );
});

describe("a token that was verified", () => {
  const checks = jest.spyOn(globalThis.crypto.subtle, "verify");
  beforeEach(() => checks.mockClear());
  afterAll(() => checks.mockRestore());
  const bearer = async (more: Partial<TokenRequest> = {}) => [
    { name: "authorization", value: `Bearer ${await issueToken(request(more))}` },
  ];
  const reasonOf = (result: Promise<unknown>) =>
    result.then(
      () => "accepted",
      (error: unknown) => (error instanceof Refusal ? error.reason : String(error)),
    );

  test("is not checked again", async () => {
    const headers = await bearer({ id: "again" });
    const first = await identify({ headers }, fixture.context);
    expect(await identify({ headers }, fixture.context)).toEqual(first);
    expect(checks).toHaveBeenCalledTimes(1);
  });

  test("is refused once it has expired, and before it was issued", async () => {
    const headers = await bearer({ id: "ending" });
    const at = (ms: number) => reasonOf(identify({ headers }, { ...fixture.context, now: () => now + ms }));
    expect([await at(0), await at(899_999), await at(900_000), await at(-6_000)]).toEqual([
      "accepted",
      "accepted",
      "token_expired",
      "token_not_yet_valid",
    ]);
    expect(checks).toHaveBeenCalledTimes(1);
  });

  test("is refused once it is revoked, or its agent disabled", async () => {
    const headers = await bearer({ id: "revoked-later" });
    const revoked = new Set<string>();
    const context = {
      ...fixture.context,
      revocations: { ...neverRevoked, isRevoked: (id: string) => revoked.has(id) },
    };
    expect(await reasonOf(identify({ headers }, context))).toBe("accepted");
    revoked.add("revoked-later");
    expect(await reasonOf(identify({ headers }, context))).toBe("token_revoked");
    const disabled = { ...registry, agent: (id: string) => ({ id, scopes: [], roles: [], disabled: true }) };
    expect(await reasonOf(identify({ headers }, { ...fixture.context, registry: disabled }))).toBe("agent_disabled");
    expect(checks).toHaveBeenCalledTimes(1);
  });

  test("lends nothing to another signature over the same claims", async () => {
    const [header, payload, signature = ""] = (await issueToken(request({ id: "signed" }))).split(".");
    const good = [{ name: "authorization", value: `Bearer ${header}.${payload}.${signature}` }];
    expect(await reasonOf(identify({ headers: good }, fixture.context))).toBe("accepted");
    const other = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
    const forged = [{ name: "authorization", value: `Bearer ${header}.${payload}.${other}` }];
    expect(await reasonOf(identify({ headers: forged }, fixture.context))).toBe("token_invalid");
  });
});

describe("what other processes did", () => {
  test("is waited for before anything is believed, and only when there is a credential", async () => {
    const waits: string[] = [];
    const known = { disabled: false };
    const context = {
      ...fixture.context,
      registry: { ...registry, agentByApiKey: () => ({ id: "plain", scopes: [], roles: [], ...known }) },
      revocations: {
        ...neverRevoked,
        fresh: async () => {
          waits.push("waited");
          known.disabled = true;
        },
      },
    };
    const reason = async (...headers: { name: string; value: string }[]) =>
      identify({ headers }, context).catch((error: Refusal) => error.reason);
    expect([await reason(), waits]).toEqual(["credential_missing", []]);
    expect([await reason({ name: "x-api-key", value: "key" }), waits]).toEqual(["agent_disabled", ["waited"]]);
  });

  test("that cannot be known refuses everybody", async () => {
    const fresh = () => Promise.reject(new Refusal("store_unavailable", "the store did not answer"));
    const context = { ...fixture.context, revocations: { ...neverRevoked, fresh } };
    const headers = [{ name: "x-api-key", value: "key-1" }];
    await expect(identify({ headers }, context)).rejects.toMatchObject({ reason: "store_unavailable" });
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
