import { InvalidFile } from "../../src/files/located_yaml.js";
import { readCall } from "../../src/policy_tools/case_input.js";

const nowMs = 1_772_366_400_000;
const read = (text: string) => readCall("call.yaml", text, nowMs);
const least = "agent: bot, tool: t, action: x";

const untouched = {
  data_classification: [],
  integrity: "clean",
  anomalies: 0,
  tools: [],
  calls: 0,
  passed: 0,
  refused: 0,
};
const clean = {
  agent_id: "bot",
  session_id: "session-1",
  data_classification: [],
  anomalies_detected: false,
  session_integrity: "clean",
};

test("what is not said", () => {
  expect(read(`{${least}}`)).toEqual({
    agent: { id: "bot", scopes: [], roles: [] },
    tool: "t",
    action: "x",
    images: [],
    params: {},
    destination: { host: "tool.example", port: 443, scheme: "https" },
    http: { method: "POST", path: "/", query: {}, headers: {} },
    facts: {},
    session: { id: "open:bot", bound: false },
    time: { unix_ms: nowMs },
  });
});

test("what is said", () => {
  const text = `
agent: {id: bot, model: m-1, scopes: ["t:*"], roles: [ci]}
tool: t
action: x
environment: production
service: shop
image: shop@sha256:aa
params: {replicas: 3, spec: {deep: [1, null]}}
destination: {host: API.internal, port: 8080, scheme: http}
http: {method: GET, path: /v1/x, query: {q: "1"}, headers: {X-Note: hi, Authorization: Bearer secret}}
facts: {tests_passed: true}
session: {role: platform-lead}
approval: true
time: "2026-03-29T01:30:00Z"
`;
  expect(read(text)).toEqual({
    agent: { id: "bot", model: "m-1", scopes: ["t:*"], roles: ["ci"] },
    tool: "t",
    action: "x",
    environment: "production",
    service: "shop",
    images: ["shop@sha256:aa"],
    params: { replicas: 3, spec: { deep: [1, null] } },
    destination: { host: "api.internal", port: 8080, scheme: "http" },
    http: {
      method: "GET",
      path: "/v1/x",
      query: { q: "1" },
      headers: { "x-note": "hi", authorization: "[credential]" },
    },
    facts: { tests_passed: true },
    session: { ...untouched, id: "session-1", bound: true, role: "platform-lead" },
    session_attestation: { ...clean, role: "platform-lead" },
    approval: { id: "apr_1" },
    time: { unix_ms: Date.parse("2026-03-29T01:30:00Z") },
  });
});

test.each([
  ['destination: "api.github.com:8443"', { destination: { host: "api.github.com", port: 8443, scheme: "https" } }],
  ["destination: {scheme: http}", { destination: { host: "tool.example", port: 80, scheme: "http" } }],
  ["time: {unix_ms: 5}", { time: { unix_ms: 5 } }],
  ["approval: {id: apr_9}", { approval: { id: "apr_9" } }],
  ["session: {bound: false}", { session: { bound: false } }],
  ["images: [a, b]", { images: ["a", "b"] }],
  ["environment: null, params: null, session: null", { params: {}, session: { bound: false } }],
])("%s", (more, wanted) => expect(read(`{${least}, ${more}}`)).toMatchObject(wanted));

describe("the history of a session", () => {
  const session = (more: string) => {
    const { session, session_attestation: attestation } = read(`{${least}, ${more}}`);
    return { session, attestation };
  };

  test.each([
    ["session: {}", {}, {}],
    ["attestation: {}", {}, {}],
    ["session: {integrity: null}, attestation: {role: null}", {}, {}],
    [
      "session: {id: s-1, role: lead, clearance: tier-1, workflow_run_id: r-1, initiated_by: ada}",
      { id: "s-1", role: "lead", clearance: "tier-1", workflow_run_id: "r-1", initiated_by: "ada" },
      { session_id: "s-1", role: "lead", clearance: "tier-1", workflow_run_id: "r-1", initiated_by: "ada" },
    ],
    [
      "session: {data_classification: [pii], integrity: suspect, anomalies: 2}",
      { data_classification: ["pii"], integrity: "suspect", anomalies: 2 },
      { data_classification: ["pii"], session_integrity: "suspect", anomalies_detected: true },
    ],
    [
      "session: {tools: [a], calls: 3, passed: 2, refused: 1, bound: false}",
      { tools: ["a"], calls: 3, passed: 2, refused: 1, bound: false },
      {},
    ],
    [
      "session: {role: lead}, attestation: {role: intern, anomalies_detected: true, data_classification: [pii]}",
      { role: "lead" },
      { role: "intern", anomalies_detected: true, data_classification: ["pii"] },
    ],
    ["attestation: {session_id: s-2, clearance: tier-1}", { id: "s-2" }, { session_id: "s-2", clearance: "tier-1" }],
  ])("%s", (more, own, attested) => {
    expect(session(more)).toEqual({
      session: { ...untouched, id: "session-1", bound: true, ...own },
      attestation: { ...clean, ...attested },
    });
  });

  test("is not known where nothing is said", () => {
    expect(session("session: null, attestation: null")).toEqual({ session: { id: "open:bot", bound: false } });
  });

  test.each([
    ["session: {anomalies: -1}", "session.anomalies: must be at least 0"],
    ["session: {calls: 1.5}", "session.calls: expected a whole number, not 1.5"],
    ["session: {integrity: dirty}", 'session.integrity: expected one of clean, suspect, compromised, not "dirty"'],
    ["session: {data_classification: pii}", "session.data_classification: expected a list, not a text"],
    ["session: {tools: [1]}", "session.tools[0]: expected a text, not a number"],
    ["session: {session_integrity: clean}", "session.session_integrity: unknown key"],
    ["attestation: {integrity: clean}", "attestation.integrity: unknown key"],
    ["attestation: {anomalies_detected: 1}", "attestation.anomalies_detected: expected true or false, not a number"],
    ["attestation: {session_integrity: dirty}", "attestation.session_integrity: expected one of clean"],
    ["attestation: {agent_id: other}", "attestation.agent_id: unknown key"],
  ])("%s: %s", (more, wanted) => expect(() => session(more)).toThrow(wanted));
});

test("a call that no tool matches has neither tool nor action", () => {
  const input = read("{agent: bot, unmatched: true}");
  expect(input).toMatchObject({ unmatched: true });
  expect(Object.keys(input)).not.toEqual(expect.arrayContaining(["tool"]));
});

test.each([
  ["{tool: t, action: x}", "1:1: agent: say which agent calls"],
  ["{agent: bot, action: x}", "1:1: tool: say which tool, or unmatched: true"],
  ["{agent: bot, tool: t, action: null}", "1:31: action: say which action, or unmatched: true"],
  ["{agent: bot, tool: t, unmatched: true}", "1:20: tool: an unmatched call has no tool"],
  ["{agent: {roles: [a]}, tool: t, action: x}", "1:9: agent: say which agent calls"],
  [`{${least}, image: a, images: [b]}`, "1:52: images: name either `image` or `images`"],
  [`{${least}, destination: "a b"}`, "1:47: destination: the authority holds bytes outside visible ASCII"],
  [`{${least}, enviroment: a}`, "1:46: enviroment: unknown key"],
  [`{${least}, session: {tier: 1}}`, "1:50: session.tier: unknown key"],
  [`{${least}, http: {path: v1}}`, "1:47: http.path: a path begins with /"],
  [`{${least}, time: yesterday}`, "1:40: time: write a time as 2026-03-29T01:30:00Z"],
  [`{${least}, params: {n: .inf}}`, "1:46: params.n: has no JSON form"],
  [`{${least}, params: {__proto__: 1}}`, "params.__proto__: unknown key"],
])("%s: %s", (text, wanted) => {
  expect(() => read(text)).toThrow(InvalidFile);
  expect(() => read(text)).toThrow(wanted);
});
