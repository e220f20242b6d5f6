import type { Reason } from "../../src/reasons.js";
import { reasonTable } from "../../src/reasons.js";
import { bareDenial, type RespondParts, respond } from "../../src/respond/index.js";
import { type AgentRequest, asEnvoyReads, atTheTool } from "../pipeline/envoy.js";
import { allow, parts } from "./parts.js";

const told = (more: Partial<RespondParts> = {}) => asEnvoyReads(respond({ ...parts, ...more }));
const denied = (reason: Reason, more: Partial<RespondParts["enforced"]> = {}) => {
  const answer = { ...allow, verdict: "deny", reason, detail: "because", ...more } as const;
  return told({ computed: answer, enforced: answer });
};

/** What the tool gets of a request, in lists fit to be compared. */
function received(
  request: Partial<AgentRequest>,
  more: Partial<RespondParts>,
): { headers: unknown[]; query: unknown[] } {
  const whole = {
    id: "1",
    method: "GET",
    scheme: "https",
    host: "t",
    path: "/",
    headers: [],
    body: new Uint8Array(),
    ...request,
  };
  const { ok } = told(more);
  if (!ok) throw new Error("denied");
  const { headers, query } = atTheTool(whole, ok);
  const foreign = [...headers].filter(([name]) => !name.startsWith("x-countersign-"));
  return { headers: foreign.map(([name, values]) => [name, ...values]), query: [...query] };
}

const sanitized = (...sanitize: RespondParts["enforced"]["sanitize"]) => ({
  enforced: { ...allow, verdict: "sanitize", reason: "sanitized", sanitize } as const,
});
const change = (headers: object, query: object = {}, own = true) => ({
  own,
  headers: { set: {}, remove: [], ...headers },
  query: { set: {}, remove: [], ...query },
});

describe("every reason has its answer", () => {
  test.each(reasonTable().filter(({ status }) => status !== 200))(
    "$reason: $status $error",
    ({ reason, status, error }) => {
      const answer = denied(reason.replace("<param>", "replicas") as Reason);
      expect(answer).toMatchObject({ status, grpcStatus: status === 401 ? 16 : 7, ok: null });
      expect(JSON.parse(answer.body)).toMatchObject({
        status,
        error,
        type: `urn:countersign:${error}`,
        decision: "deny",
      });
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect("www-authenticate" in answer.headers).toBe(status === 401);
    },
  );

  test("a reason that nobody knows is an unavailable authorizer, and no allow", () => {
    expect(denied("allowed")).toMatchObject({ status: 503, ok: null });
    expect(denied("constructor" as Reason)).toMatchObject({ status: 503, ok: null });
  });
});

test("a denial holds the documented members, in their order, and nothing else", () => {
  const violations = [{ rule: "max_replicas", param: "replicas", limit: 50, actual: 200, message: "too many" }];
  const { body, headers } = denied("max_replicas", { violations, detail: "too many" });
  expect(body).toBe(
    '{"type":"urn:countersign:PolicyViolation","title":"Policy violation","status":403,"detail":"too many",' +
      '"error":"PolicyViolation","decision":"deny","reason":"max_replicas","violations":[{"rule":"max_replicas",' +
      '"param":"replicas","limit":50,"actual":200,"message":"too many"}],"decision_id":"01KJMK0000000000000000DEC1",' +
      '"policy_version":"sha256:9f2c","agent_id":"bot","tool":"deploy-api","action":"deploy",' +
      '"next":"change the call so that it keeps the rules under `violations`, or do without it; the same call is refused again"}',
  );
  expect(headers).toEqual({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-countersign-decision": "deny",
    "x-countersign-decision-id": "01KJMK0000000000000000DEC1",
  });
});

test("an approval says where to ask and until when", () => {
  const approval = { id: "apr_1", expiresAtMs: Date.parse("2026-03-01T12:15:00Z") };
  const answer = told({ enforced: { ...allow, verdict: "approval_needed", reason: "approval_needed", approval } });
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.body)).toMatchObject({
    error: "ApprovalNeeded",
    decision: "approval_needed",
    approval: {
      id: "apr_1",
      status_url: "https://c.example/v1/approvals/apr_1",
      expires_at: "2026-03-01T12:15:00.000Z",
      poll_after_s: 2,
    },
  });
});

test.each([
  [1, 1],
  [1000, 1],
  [1001, 2],
  [0, 1],
])("a limit that frees up in %d ms says %d s", (retryAfterMs, seconds) => {
  const limit = { policy: "rate", quota: 5, windowSeconds: 10, retryAfterMs } as const;
  expect(denied("rate_exceeded", { limit }).headers).toMatchObject({
    "retry-after": String(seconds),
    ratelimit: `"rate";r=0;t=${seconds}`,
    "ratelimit-policy": '"rate";q=5;w=10',
  });
});

test("without a credential the challenge names no error (RFC 6750 section 3.1)", () => {
  expect(denied("credential_missing").headers["www-authenticate"]).toBe('Bearer realm="countersign"');
  expect(denied("token_expired").headers["www-authenticate"]).toBe(
    'Bearer realm="countersign", error="invalid_token", error_description="token_expired"',
  );
});

test("the metadata says what was found, also where nothing is known", () => {
  const computed = { verdict: "deny", reason: "max_n" } as const;
  expect(
    told({ computed, mode: "shadow", agentId: null, tool: null, action: null, policyVersion: null }).metadata,
  ).toEqual({
    decision: "deny",
    enforced: "allow",
    mode: "shadow",
    reason: "max_n",
    decision_id: "01KJMK0000000000000000DEC1",
    agent_id: null,
    tool: null,
    action: null,
    policy_version: null,
  });
});

describe("a call that goes on", () => {
  test("carries our headers over those of the same name, and no other of ours", () => {
    const names = [
      "x-countersign-decision",
      "x-countersign-policy-version",
      "x-countersign-admin",
      "x-countersign-override",
    ];
    const sent = names.map((name) => ({ name, value: "mine" }));
    const { ok } = told({ headers: sent });
    if (!ok) throw new Error("denied");
    const request = { id: "1", method: "GET", scheme: "https", host: "t", path: "/", body: new Uint8Array() };
    const { headers } = atTheTool({ ...request, headers: names.map((name) => [name, "mine"] as const) }, ok);
    expect(Object.fromEntries(headers)).toEqual({
      "x-countersign-decision": ["allow"],
      "x-countersign-decision-id": ["01KJMK0000000000000000DEC1"],
      "x-countersign-policy-version": ["sha256:9f2c"],
    });
    // Envoy removes after it sets.
    expect(ok.headers_to_remove).not.toContain("x-countersign-decision");
  });

  test("loses the credential that it proved itself by, or keeps it", () => {
    const request = { headers: [["authorization", "Bearer x"]] as const };
    expect(received(request, {}).headers).toEqual([]);
    expect(received(request, { credentialHeader: null }).headers).toEqual([["authorization", "Bearer x"]]);
  });

  test("carries the credential that a policy put in its place", () => {
    const set = sanitized(change({ set: { authorization: "Basic abc" } }));
    expect(received({ headers: [["authorization", "Bearer x"]] }, set).headers).toEqual([
      ["authorization", "Basic abc"],
    ]);
  });

  test("is changed by all policies in their order, and what one removes stays removed", () => {
    const policies = sanitized(
      change({ set: { "x-a": "1", "x-b": "1" }, remove: ["x-c"] }),
      change({ set: { "x-b": "2", "x-c": "2" }, remove: ["x-d"] }),
    );
    const sent = {
      headers: [
        ["x-c", "0"],
        ["x-d", "0"],
        ["x-e", "0"],
      ] as const,
    };
    expect(received(sent, policies).headers.sort()).toEqual([
      ["x-a", "1"],
      ["x-b", "2"],
      ["x-e", "0"],
    ]);
  });

  test("is changed by guardrails last, whatever the order", () => {
    const policies = sanitized(
      change({ set: { "x-a": "guard" }, remove: ["x-b"] }, { set: { scope: "own" }, remove: ["debug"] }, false),
      change({ set: { "x-b": "agent" }, remove: ["x-a"] }, { set: { debug: "1" }, remove: ["scope"] }),
    );
    const sent = {
      headers: [
        ["x-a", "0"],
        ["x-b", "0"],
      ] as const,
    };
    const { headers, query } = received(
      { ...sent, path: "/?scope=all&debug=2" },
      {
        ...policies,
        query: ["scope", "debug"].map((name) => ({ raw: name, name, value: "0" })),
      },
    );
    expect(headers).toEqual([["x-a", "guard"]]);
    expect(query).toEqual([["scope", "own"]]);
  });

  test("loses every spelling of a query parameter that is removed or replaced", () => {
    const query = [
      { raw: "%74oken", name: "token", value: "s" },
      { raw: "form%61t", name: "format", value: "xml" },
      { raw: "month", name: "month", value: "1" },
    ];
    const policies = { ...sanitized(change({}, { set: { format: "json" }, remove: ["token"] })), query };
    expect(received({ path: "/?%74oken=s&form%61t=xml&month=1" }, policies).query).toEqual([
      ["month", "1"],
      ["format", "json"],
    ]);
  });

  test("is not changed in what was only found", () => {
    const found = { ...allow, verdict: "sanitize", reason: "sanitized" } as const;
    expect(received({ headers: [["x-a", "1"]] }, { computed: found }).headers).toEqual([["x-a", "1"]]);
  });
});

test("the answer of last resort is a denial that says nothing", () => {
  expect(asEnvoyReads(bareDenial)).toEqual({
    status: 503,
    grpcStatus: 7,
    ok: null,
    headers: {},
    body: "",
    metadata: {},
  });
});
