import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { firstFiles } from "../../src/cli/first_files.js";
import { variables } from "../../src/config/environment.js";
import { expectUpToDate } from "../harness/golden.js";
import { jsonSchemas } from "../harness/json_schemas.js";
import { repository } from "../harness/programs.js";

const schemas = new Map(jsonSchemas().map((schema) => [schema.path.replace(/^.*\/|\.schema\.json$/g, ""), schema]));
const checkers = new Map(
  [...schemas].map(([name, { schema }]) => [name, z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema)]),
);

/** What an editor would say of a file. */
function accepts(name: string, text: string): boolean {
  return checkers.get(name)?.safeParse(parse(text)).success ?? false;
}

test.each([...schemas.values()])("$path is up to date", ({ path, text }) => expectUpToDate(path, text));

test("every key is described", () => {
  const missing = variables().filter(({ schema }) => !z.toJSONSchema(schema, { io: "input" }).description);
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test("the files of `countersign init` fit", () => {
  const files = firstFiles({ adminTokenSha256: "0".repeat(64) });
  for (const [file, text] of Object.entries(files)) {
    const name = file.startsWith("policies/") ? "policy" : file.replace(".yaml", "");
    expect([file, accepts(name, text)]).toEqual([file, true]);
  }
});

test("the demo's files fit", () => {
  const folder = join(repository, "test/demo/files");
  for (const file of readdirSync(join(folder, "policies"))) {
    expect([file, accepts("policy", readFileSync(join(folder, "policies", file), "utf8"))]).toEqual([file, true]);
  }
  expect(accepts("tools", readFileSync(join(folder, "tools.yaml"), "utf8"))).toBe(true);
  expect(accepts("agents", readFileSync(join(folder, "agents.yaml"), "utf8"))).toBe(true);
});

test.each(examplesOn("docs/policies.md"))("the example %# of docs/policies.md fits", (text) => {
  expect(accepts("policy", text)).toBe(true);
});

test.each(examplesOn("docs/policy-tools.md"))("the example %# of docs/policy-tools.md fits", (text) => {
  expect(accepts("policy-cases", text)).toBe(true);
});

function examplesOn(page: string): string[] {
  const text = readFileSync(join(repository, page), "utf8");
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1] ?? "");
}

test.each<[string, string]>([
  ["countersign", ""],
  ["countersign", "listen: {grpc: {address: 'a:1', tls: {cert_file: a, key_file: b, client_ca_file: c}}}"],
  ["policy", "{agent: a, actions: [{name: x, max_replicas: 5, min_replicas: {value: 1, mode: shadow}}]}"],
  ["policy", "{agent: a, deny_actions: {value: [x], mode: shadow}}"],
  ["policy", "{agents: [a, b], limits: {rate: 5/s, burst: 10, daily_budget: 100}}"],
  ["policy", "{agent: a, actions: [{name: x, on_violation: approval_needed, max_n: {value: 5, on_violation: deny}}]}"],
  [
    "policy",
    "{agent: a, actions: [{name: x, params: {n: {type: integer, enum: [1, a], forbid: [url], mode: shadow}}}]}",
  ],
  ["policy", "{agent: a, actions: [{name: x, additional_params: deny, allowed_images: [{repository: r}]}]}"],
  [
    "policy",
    "{agent: a, actions: [{name: x, windows: {time_zone: UTC, allow: [{days: [mon-fri], hours: 09:00-17:00}]}}]}",
  ],
  ["policy", "{agent: a, actions: [{name: x, windows: {value: {deny: [{}]}, mode: shadow}}]}"],
  ["policy", "{agent: a, actions: [{name: x, dlp: {email: redact, id: {action: deny, pattern: a, mode: shadow}}}]}"],
  ["policy", "{agent: a, rego: [a.b], actions: [{name: x, rego: {value: [a.b], mode: shadow}}]}"],
  ["policy", "{agent: a, actions: [{name: x, cost: 2}, {name: y, cost: {base: 1, per: {n: 0.5}}}]}"],
  [
    "policy",
    "{agent: a, actions: [{name: x, approval: {when: true, approvers: [g], quorum: 2, expires_in: 5m, hold: 30s}}]}",
  ],
  ["policy", "{agent: a, egress: {allow: ['*.internal']}, actions: [{name: x, sanitize: {query: {redact: [q]}}}]}"],
  ["policy", "{guardrail: true, egress: {value: {allow: [h]}, on_violation: approval_needed}}"],
  [
    "policy-cases",
    "{input: {agent: a}, cases: [{description: d, input: {params: {n: [1, {a: null}]}}, want: {decision: deny}}]}",
  ],
  [
    "policy-cases",
    "{cases: [{description: d, input: {agent: {roles: [r]}, environment: null, approval: true}, want: {}}]}",
  ],
  ["tools", "tools: [{name: t, match: {hosts: [h], path: /}, action: x, params: {n: '{body.n}', m: 1}}]"],
  ["tools", "tools: [{name: t, protocol: check, params: {sql: '{body.sql}'}}]"],
  ["agents", `agents: [{id: a, scopes: ['t:*'], api_keys: [{sha256: ${"A".repeat(64)}}]}]`],
])("%s: %s fits", (name, text) => expect(accepts(name, text || "{}")).toBe(true));

test.each<[string, string]>([
  ["countersign", "{listen: {grcp: x}}"],
  ["countersign", "{listen: {http: localhost}}"],
  ["countersign", "{store_timeout: 5}"],
  ["countersign", "{store_timeout: 5 s}"],
  ["countersign", "{store: sqlite}"],
  ["countersign", "{mode: off}"],
  ["countersign", "{max_body_bytes: 0}"],
  ["countersign", "{attestation: {required: maybe}}"],
  ["countersign", "{identity: {trusted: [{for: everybody}]}}"],
  ["countersign", "{identity: {trusted: [{for: people, issuer: i, jwks: k, audience: a, algorithms: [HS256]}]}}"],
  ["policy", "{agent: a, actions: [{name: x, maximum_replicas: 5}]}"],
  ["policy", "{agent: a, actions: [{name: x, max_replicas: many}]}"],
  ["policy", "{agent: a, actions: [{name: x, max_replicas: {value: 1, mode: off}}]}"],
  ["policy", "{agent: a, actions: [{name: x, allowed_environments: staging}]}"],
  ["policy", "{agent: a, actions: [{max_replicas: 5}]}"],
  ["policy", "{agent: a, limits: {rate: fast}}"],
  ["policy", "{agent: a, action: []}"],
  ["policy", "{agent: a, actions: [{name: x, max_n: {value: 1, on_violation: ask}}]}"],
  ["policy", "{agent: a, actions: [{name: x, params: {n: {typ: integer}}}]}"],
  ["policy", "{agent: a, actions: [{name: x, params: {n: {type: int}}}]}"],
  ["policy", "{agent: a, actions: [{name: x, windows: {allow: [{days: [monday]}]}}]}"],
  ["policy", "{agent: a, actions: [{name: x, dlp: {email: hide}}]}"],
  ["policy", "{agent: a, actions: [{name: x, approval: {quorum: 0}}]}"],
  ["policy", "{agent: a, egress: ['*.internal']}"],
  ["policy-cases", "{cases: [{description: d, input: {tol: t}, want: {decision: deny}}]}"],
  ["policy-cases", "{cases: [{description: d, want: {decision: no}}]}"],
  ["policy-cases", "{cases: [{description: d}]}"],
  ["tools", "tools: [{name: t, match: {hosts: [], path: /}, action: x}]"],
  ["tools", "tools: [{name: t, match: {hosts: [h], path: /}, action: x, params: {n: [1]}}]"],
  ["tools", "tools: [{name: t, action: x}]"],
  ["tools", "tools: [{name: t, match: {hosts: [h], path: /}}]"],
  ["agents", "agents: [{id: a, scopes: [deploy]}]"],
  ["agents", "agents: [{id: a, api_keys: [secret]}]"],
  ["people", "people: [{id: a, access: [root]}]"],
])("%s: %s does not fit", (name, text) => expect(accepts(name, text)).toBe(false));
