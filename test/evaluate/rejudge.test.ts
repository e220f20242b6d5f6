import type { Call, Json } from "../../src/call.js";
import { createEngine } from "../../src/evaluate/engine.js";
import { evaluate } from "../../src/evaluate/index.js";
import { rejudge } from "../../src/evaluate/rejudge.js";
import { loadProgram } from "../../src/policies/program.js";
import { createRegoPool } from "../../src/rego/pool.js";
import { call, identity, session } from "../approvals/fixture.js";
import { policySetOf } from "../harness/policy_set.js";

const program = loadProgram();
const engine = createEngine(program);
// Nothing here asks for Rego.
const rego = createRegoPool({ workers: 0 });
const nowMs = Date.parse("2026-03-02T09:30:00Z");

const policies = policySetOf(
  {
    "a.yaml": `agent: deploy-manager
actions:
  - name: deploy
    max_replicas: {value: 2, mode: shadow}
    windows: {time_zone: Europe/Berlin, allow: [{days: [mon], hours: 10:00-11:00}]}
    dlp: {email: redact, payment_card: deny}
    params: {note: {forbid: [url]}}
    cost: {base: 1, per: {replicas: 0.5}}
`,
    "b.yaml": 'guardrail: true\nactions: [{name: "*", sanitize: {headers: {redact: [authorization]}}}]',
  },
  program,
);

/** A call with one parameter that came from the query, and a credential. */
const asked: Call = {
  ...call,
  params: { replicas: 3, note: "hello", mail: "alice@example.com" },
  fromQuery: ["mail"],
  http: {
    ...call.http,
    query: [{ raw: "mail", name: "mail", value: "alice@example.com" }],
    headers: [
      { name: "authorization", value: "Bearer alice@example.com" },
      { name: "x-note", value: "for bob@example.com" },
    ],
  },
};

function decided(call: Call) {
  const parts = { identity: identity("deploy-manager"), call, session, observed: null, override: null, nowMs };
  return evaluate({ ...parts, policies, engine, rego });
}

test("a call and its recorded input are judged alike", async () => {
  const first = await decided(asked);
  const again = await rejudge(first.input, { policies, engine, rego });
  expect(again.computed).toEqual(first.computed);
  expect(again.enforced).toEqual(first.enforced);
  expect(again.input).toEqual(first.input);
  expect(first).toMatchObject({
    computed: { verdict: "deny", reason: "max_replicas" },
    enforced: {
      verdict: "sanitize",
      sanitize: [
        { headers: { set: { "x-note": "for [email]" } }, query: { set: { mail: expect.stringContaining("email") } } },
        { headers: { set: { authorization: "[redacted]" } } },
      ],
    },
    costMicro: { enforced: 2_500_000, computed: 2_500_000 },
  });
});

test.each<[string, Partial<Call>, string]>([
  ["a card", { params: { card: "4111 1111 1111 1111" }, fromQuery: [] }, "dlp"],
  ["a number that is a card", { params: { card: 4111111111111111 }, fromQuery: [] }, "dlp"],
  ["an e-mail address in the body", { params: { mail: "a@example.com" }, fromQuery: [], http: call.http }, "dlp"],
  ["a link", { params: { note: "see https://evil.example" }, fromQuery: [] }, "params"],
  ["no tool", { tool: null, action: null, params: {}, fromQuery: [] }, "unmatched_passthrough"],
])("%s", async (_, more, reason) => {
  const first = await decided({ ...asked, http: { ...call.http, query: [], headers: [] }, ...more });
  const again = await rejudge(first.input, { policies, engine, rego });
  expect([first.computed.reason, again.computed.reason]).toEqual([reason, reason]);
});

test("what other policies had found out is not believed", async () => {
  const { input } = await decided(asked);
  const forged = { ...input, dlp: { detectors: [], hits: [] }, time: { unix_ms: nowMs + 7_200_000, zones: {} } };
  const { input: seen, computed } = await rejudge(forged, { policies, engine, rego });
  expect(seen.dlp).toEqual(input.dlp);
  expect(computed.violations.map(({ rule }) => rule)).toContain("windows");
});

test.each<[string, { [name: string]: Json }]>([
  ["an agent", {}],
  ["a time", { agent: { id: "deploy-manager" }, action: "deploy", tool: "t" }],
])("an input without %s is not judged", async (what, input) => {
  await expect(rejudge(input, { policies, engine, rego })).rejects.toThrow(`names no ${what.split(" ")[1]}`);
});
