import type { Identity, Session } from "../../src/call.js";
import { inputDocument } from "../../src/evaluate/input.js";
import { call } from "../approvals/fixture.js";

const identity: Identity = {
  agent: { id: "bot", model: "some-model-1", scopes: ["*:*"], roles: ["ci"] },
  credential: "bearer_jwt",
  credentialHeader: "x-service-key",
  session: {},
  facts: { tests_passed: true },
};
const session: Session = { id: "s-1", bound: true, role: "platform-lead" };
const parts = { identity, call, session, observed: null, override: null, nowMs: 1_772_366_400_000 };
const withHeaders = (...headers: [string, string][]) => ({
  ...parts,
  call: { ...call, http: { ...call.http, headers: headers.map(([name, value]) => ({ name, value })) } },
});
const headersOf = (...headers: [string, string][]) =>
  (inputDocument(withHeaders(...headers)).http as { headers: Record<string, string> }).headers;

test("a call as policies see it", () => {
  expect(inputDocument(parts)).toEqual({
    agent: { id: "bot", model: "some-model-1", scopes: ["*:*"], roles: ["ci"] },
    tool: "deploy-api",
    action: "deploy",
    environment: "production",
    service: "shop",
    images: ["shop@sha256:aa"],
    params: { replicas: 3, note: "<b>\u202egnp.exe" },
    destination: { host: "deploy.internal", port: 443, scheme: "https" },
    http: {
      method: "POST",
      path: "/v1/deploy",
      query: { "a b": "1" },
      headers: { authorization: "[credential]" },
    },
    facts: { tests_passed: true },
    session: { id: "s-1", bound: true, role: "platform-lead" },
    time: { unix_ms: 1_772_366_400_000 },
  });
});

test("what is not known is left out and never null", () => {
  const { model: _, ...agent } = identity.agent;
  const bare = { ...call, environment: null, service: null };
  const input = inputDocument({ ...parts, identity: { ...identity, agent }, call: bare });
  expect(Object.keys(input)).not.toEqual(expect.arrayContaining(["environment"]));
  expect(input).not.toHaveProperty("service");
  expect(input).not.toHaveProperty("approval");
  expect(input.agent).not.toHaveProperty("model");
  expect(JSON.stringify(input)).not.toContain("null");
});

test("an approval is there only when the call brings one", () => {
  expect(inputDocument({ ...parts, override: { approvalId: "apr_1" } }).approval).toEqual({ id: "apr_1" });
});

test("policies see that a credential is there, and not what it is", () => {
  const secret: [string, string][] = [
    ["authorization", "Bearer s3cret"],
    ["cookie", "s3cret"],
    ["x-api-key", "s3cret"],
    ["x-countersign-override", "s3cret"],
    ["proxy-authorization", "s3cret"],
    ["x-service-key", "s3cret"],
  ];
  expect(headersOf(...secret)).toEqual(Object.fromEntries(secret.map(([name]) => [name, "[credential]"])));
});

test("repeated headers are joined in their order", () => {
  expect(headersOf(["x-a", "1"], ["x-b", "2"], ["x-a", "3"])).toEqual({ "x-a": "1, 3", "x-b": "2" });
});

test.each(["__proto__", "constructor", "toString"])(
  "a name that objects inherit is a name like any other: %s",
  (name) => {
    const query = [{ raw: name, name, value: "1" }];
    const input = inputDocument({ ...parts, call: { ...call, http: { ...call.http, query } } });
    const { query: seen } = input.http as { query: object };
    expect(Object.getOwnPropertyNames(seen)).toEqual([name]);
    expect(Object.getOwnPropertyNames(headersOf([name, "1"]))).toEqual([name]);
  },
);

test("what the session did is there when somebody looked", () => {
  const attestation = {
    agent_id: "bot",
    session_id: "s-1",
    role: "platform-lead",
    data_classification: ["pii"],
    anomalies_detected: false,
    session_integrity: "clean",
  } as const;
  const history = {
    data_classification: ["pii"],
    integrity: "clean",
    anomalies: 0,
    tools: ["crm"],
    calls: 2,
    passed: 2,
    refused: 0,
  } as const;
  const input = inputDocument({ ...parts, observed: { session: history, attestation } });
  expect(input.session).toEqual({ ...session, ...history });
  expect(input.session_attestation).toEqual(attestation);
  expect(inputDocument(parts)).not.toHaveProperty("session_attestation");
});
