import fc from "fast-check";
import type { Header, Identity, Session } from "../../src/call.js";
import { canonicalJson } from "../../src/canonical.js";
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

const seen = {
  session: {
    anomalies: 0,
    calls: 2,
    data_classification: ["pii"],
    integrity: "clean",
    passed: 2,
    refused: 0,
    tools: ["crm"],
  },
  attestation: { agent_id: "bot", anomalies_detected: false, data_classification: ["pii"], session_id: "s-1" },
} as unknown as NonNullable<Parameters<typeof inputDocument>[0]["observed"]>;
const facts = { clearance: "tier-1", initiated_by: "alice", role: "platform-lead", workflow_run_id: "run-1" };

test("whatever is known, members stand in the order in which a record is written, so that nobody has to sort them", () => {
  const maybe = <T>(value: T) => fc.constantFrom(value, null);
  const some = fc.record({
    tool: maybe("deploy-api"),
    action: maybe("deploy"),
    environment: maybe("staging"),
    service: maybe("shop"),
  });
  const known = fc.subarray(Object.keys(facts) as (keyof typeof facts)[]);
  fc.assert(
    fc.property(some, known, maybe({ approvalId: "apr_1" }), maybe(seen), (named, names, override, observed) => {
      const told = Object.fromEntries(names.map((name) => [name, facts[name]]));
      const bound: Session = { bound: true, ...(told.clearance && { clearance: told.clearance }), id: "s-1", ...told };
      const agent = { id: "bot", model: "some-model-1", roles: ["ci"], scopes: ["*:*"] };
      const about = { ...call, ...named, params: { a: 1, b: 2 } };
      const input = inputDocument({
        ...parts,
        identity: { ...identity, agent },
        session: bound,
        call: about,
        override,
        observed,
      });
      expect(JSON.stringify(input)).toBe(canonicalJson(input));
      expect(input.session).toEqual({ ...bound, ...observed?.session });
    }),
  );
});

test("headers are joined as they come, whatever their order among the others", () => {
  const name = fc.constantFrom("accept", "x-a", "x-b", "__proto__", "constructor", "authorization", "7", "10");
  const header = fc.record({ name, value: fc.constantFrom("1", "2", "3", "") });
  fc.assert(
    fc.property(fc.array(header, { maxLength: 60 }), (headers) => {
      const joined = new Map<string, string>();
      for (const { name, value } of headers as Header[]) {
        const shown = name === "authorization" ? "[credential]" : value;
        joined.set(name, joined.has(name) ? `${joined.get(name)}, ${shown}` : shown);
      }
      const map = headersOf(...headers.map(({ name, value }): [string, string] => [name, value]));
      expect(Object.entries(map).sort()).toEqual([...joined].sort());
    }),
  );
});
