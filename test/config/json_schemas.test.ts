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

test.each<[string, string]>([
  ["countersign", ""],
  ["countersign", "listen: {grpc: {address: 'a:1', tls: {cert_file: a, key_file: b, client_ca_file: c}}}"],
  ["policy", "{agent: a, actions: [{name: x, max_replicas: 5, min_replicas: {value: 1, mode: shadow}}]}"],
  ["policy", "{agent: a, deny_actions: {value: [x], mode: shadow}}"],
  ["policy", "{agents: [a, b], limits: {rate: 5/s, burst: 10, daily_budget: 100}}"],
  ["tools", "tools: [{name: t, match: {hosts: [h], path: /}, action: x, params: {n: '{body.n}', m: 1}}]"],
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
  ["countersign", "{attestation: {required: true}}"],
  ["policy", "{agent: a, actions: [{name: x, maximum_replicas: 5}]}"],
  ["policy", "{agent: a, actions: [{name: x, max_replicas: many}]}"],
  ["policy", "{agent: a, actions: [{name: x, max_replicas: {value: 1, mode: off}}]}"],
  ["policy", "{agent: a, actions: [{name: x, allowed_environments: staging}]}"],
  ["policy", "{agent: a, actions: [{max_replicas: 5}]}"],
  ["policy", "{agent: a, limits: {rate: fast}}"],
  ["policy", "{agent: a, action: []}"],
  ["tools", "tools: [{name: t, match: {hosts: [], path: /}, action: x}]"],
  ["tools", "tools: [{name: t, match: {hosts: [h], path: /}, action: x, params: {n: [1]}}]"],
  ["agents", "agents: [{id: a, scopes: [deploy]}]"],
  ["agents", "agents: [{id: a, api_keys: [secret]}]"],
  ["people", "people: [{id: a, access: [root]}]"],
])("%s: %s does not fit", (name, text) => expect(accepts(name, text)).toBe(false));
