import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import type { CheckRequest } from "../../src/grpc/messages.js";
import { startGrpcServer } from "../../src/grpc/server.js";
import { identify } from "../../src/identify/index.js";
import { read } from "../../src/read/index.js";
import { Refusal } from "../../src/refusal.js";
import { loadRegistry } from "../../src/registry/load.js";
import { type EnvoyConfig, type RunningEnvoy, startEnvoy } from "../harness/envoy.js";
import { type ExampleTool, startExampleTool } from "../harness/example_tool.js";
import { findEnvoy } from "../harness/find_envoy.js";
import { describeWith, requirePart } from "../harness/parts.js";
import { repository } from "../harness/programs.js";
import { issuers } from "../identify/fixture.js";
import { type Authority, authority, type Names, type Pair, urlEncoded } from "../identify/svid.js";

type Tree = { [key: string]: unknown };

const envoyProgram = await requirePart("Envoy", findEnvoy);
const host = "deploy.internal";
const id = "spiffe://cluster.local/ns/ci/sa/deploy-manager";

const shipped = async (name: string): Promise<string> => readFile(join(repository, "envoy", name), "utf8");
const plain = await shipped("reverse-proxy.yaml");
const mutual = await shipped("reverse-proxy-mtls.yaml");

/** Sets, or with `undefined` takes away, what stands at a path. Throws when a step is missing. */
function put(tree: unknown, path: (string | number)[], value: unknown): void {
  const [key, ...rest] = path;
  const node = tree as Record<string | number, unknown>;
  if (key === undefined || !(key in node)) throw new Error(`${String(key)} is missing`);
  if (rest.length > 0) put(node[key], rest, value);
  else if (value === undefined) delete node[key];
  else node[key] = value;
}

/** The configuration with certificates, made what the one without them is. */
function withoutCertificates(config: Tree): Tree {
  const listener = ["static_resources", "listeners", 0];
  const chain = [...listener, "filter_chains", 0];
  const manager = [...chain, "filters", 0, "typed_config"];
  const clusters = (config.static_resources as { clusters: { name: string }[] }).clusters;
  put(config, ["node"], undefined);
  put(config, [...listener, "address", "socket_address"], { address: "127.0.0.1", port_value: 10_000 });
  put(config, [...chain, "transport_socket"], undefined);
  put(config, [...chain, "transport_socket_connect_timeout"], undefined);
  put(config, [...manager, "scheme_header_transformation", "scheme_to_overwrite"], "http");
  put(config, [...manager, "http_filters", 0, "typed_config", "include_peer_certificate"], false);
  put(config, [...manager, "route_config", "virtual_hosts", 0, "domains"], [host, `${host}:10000`]);
  put(
    config,
    ["static_resources", "clusters"],
    clusters.filter(({ name }) => name !== "spire_agent"),
  );
  put(
    config,
    [
      ...[
        "static_resources",
        "clusters",
        0,
        "load_assignment",
        "endpoints",
        0,
        "lb_endpoints",
        0,
        "endpoint",
        "address",
      ],
    ],
    { socket_address: { address: "127.0.0.1", port_value: 9191 } },
  );
  return config;
}

test("the configuration with certificates is the other one but for what it is there for", () => {
  expect(withoutCertificates(parse(mutual))).toEqual(parse(plain));
});

test("docs/envoy.md shows the shipped TLS context", async () => {
  const page = await readFile(join(repository, "docs", "envoy.md"), "utf8");
  const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map((match): Tree => parse(match[1] ?? ""));
  const [chain] = parse(mutual).static_resources.listeners[0].filter_chains;
  expect(blocks).toContainEqual({ transport_socket: chain.transport_socket });
});

describeWith(envoyProgram, "Envoy with the shipped mutual TLS", (use) => {
  let folder: string;
  let ca: Authority;
  let tool: ExampleTool;
  let envoy: RunningEnvoy;
  let stopAuthorizer: () => Promise<void>;
  const questions: CheckRequest[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "countersign-spiffe-"));
    ca = await authority();
    tool = await startExampleTool();
    const unix = join(folder, "grpc.sock");
    const server = await startGrpcServer({
      listen: { kind: "unix", path: unix },
      check: async (question) => {
        questions.push(question);
        return { status: { code: 0 }, ok_response: {} };
      },
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
    server.setServing(true);
    stopAuthorizer = () => server.drain(1_000);
    const own = await ca.issue({ uris: ["spiffe://cluster.local/envoy"], dns: [host] });
    const secrets = await writeSecrets(folder, own, ca.cert);
    envoy = await startEnvoy({
      program: use(),
      authorizer: { unix },
      tool,
      edit: (config) => useMutual(config, secrets),
    });
  });
  afterAll(async () => {
    await envoy?.stop();
    await stopAuthorizer?.();
    await tool?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    questions.length = 0;
    tool.requests.length = 0;
  });

  const call = (client: Pair | null, headers: Record<string, string> = {}) =>
    send(envoy.port, { ca: ca.cert, servername: host, headers: { host, ...headers }, ...client });
  const callWith = async (names: Names, headers?: Record<string, string>) => call(await ca.issue(names), headers);

  test("asks with the client's SPIFFE id and its certificate, and the agent is identified", async () => {
    const client = await ca.issue({ uris: [id], dns: ["deploy-manager.internal"] });
    expect(await call(client, { "x-forwarded-client-cert": "URI=spiffe://cluster.local/admin" })).toBe(200);
    const [question] = questions;
    expect(question?.attributes?.source).toMatchObject({ principal: id, certificate: urlEncoded(client.cert) });
    expect(question?.attributes?.request?.http?.scheme).toBe("https");
    expect(await who(question)).toBe("deploy-manager by spiffe");
    expect(tool.requests).toHaveLength(1);
    expect(tool.requests[0]?.headers).not.toHaveProperty("x-forwarded-client-cert");
  });

  test("says the same of the client where its word does not count, and nobody is identified", async () => {
    await callWith({ uris: [id] });
    expect(await who(questions[0], false)).toBe("credential_missing");
  });

  test.each<[string, Names, Record<string, string>, string]>([
    ["an id of nobody", { uris: ["spiffe://cluster.local/ns/ci/sa/stranger"] }, {}, "spiffe_unknown"],
    [
      "an id of nobody, and an API key",
      { uris: ["spiffe://cluster.local/ns/ci/sa/stranger"] },
      { "x-api-key": "key-1" },
      "deploy-manager by api_key",
    ],
    ["an API key as well", { uris: [id] }, { "x-api-key": "key-1" }, "credential_ambiguous"],
    ["two URIs, the agent's first", { uris: [id, "spiffe://cluster.local/other"] }, {}, "spiffe_malformed"],
    ["two URIs, the agent's last", { uris: ["spiffe://cluster.local/other", id] }, {}, "spiffe_malformed"],
    [
      "two URIs, and an API key",
      { uris: [id, "spiffe://cluster.local/other"] },
      { "x-api-key": "key-1" },
      "spiffe_malformed",
    ],
    ["a slash behind the id", { uris: [`${id}/`] }, {}, "spiffe_malformed"],
    ["a query behind the id", { uris: [`${id}?x`] }, {}, "spiffe_malformed"],
    ["an encoded letter", { uris: [id.replace("deploy", "%64eploy")] }, {}, "spiffe_malformed"],
    ["a URI that goes on in a DNS name", { uris: [id], dns: ["x, URI:spiffe://b/c"] }, {}, "spiffe_malformed"],
    [
      "a subject that is another's id",
      { subject: "spiffe://cluster.local/other", uris: [id] },
      {},
      "deploy-manager by spiffe",
    ],
  ])("a client with %s: %j %j is %s", async (_, names, headers, wanted) => {
    expect(await callWith(names, headers)).toBe(200);
    expect(await who(questions[0])).toBe(wanted);
  });

  test.each<[string, Names]>([
    ["only a DNS name", { dns: ["deploy-manager.internal"] }],
    ["an id of another trust domain", { uris: ["spiffe://cluster.local.evil/ns/ci/sa/deploy-manager"] }],
    ["the id in capitals", { uris: [id.toUpperCase()] }],
    ["the id as a DNS name", { dns: [id] }],
    ["no names", { subject: id }],
  ])("a client with %s does not get in", async (_, names) => {
    await expect(callWith(names)).rejects.toThrow();
    expect(questions).toEqual([]);
  });

  test("a client without a certificate, or with one of others, does not get in", async () => {
    await expect(call(null)).rejects.toThrow();
    const stranger = await authority();
    await expect(call(await stranger.issue({ uris: [id] }))).rejects.toThrow();
    expect(questions).toEqual([]);
  });
});

/** What identification makes of what Envoy sent. */
async function who(question: CheckRequest | undefined, trustPrincipal = true): Promise<string> {
  const { context } = await issuers();
  const spiffe = loadRegistry({
    agents: { file: "agents.yaml", text: `agents:\n  - {id: deploy-manager, spiffe: ["${id}"]}\n` },
  });
  const registry = { ...context.registry, agentBySpiffe: (text: string) => spiffe.agentBySpiffe(text) };
  try {
    const found = read(question as Parameters<typeof read>[0], { maxBodyBytes: 1_000, trustPrincipal });
    const { agent, credential } = await identify(found, { ...context, registry });
    return `${agent.id} by ${credential}`;
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

/** Puts the shipped TLS listener in the place of the plain one. Keys come from files instead of from SPIRE. */
function useMutual(config: EnvoyConfig, secrets: Record<string, string>): void {
  const { node, static_resources } = parse(mutual);
  Object.assign(config, { node });
  const [listener] = static_resources.listeners;
  const fromFile = (secret: { name: string; sds_config: unknown }): void => {
    secret.sds_config = { resource_api_version: "V3", path_config_source: { path: secrets[secret.name] } };
  };
  const tls = listener.filter_chains[0].transport_socket.typed_config.common_tls_context;
  for (const secret of tls.tls_certificate_sds_secret_configs) fromFile(secret);
  fromFile(tls.combined_validation_context.validation_context_sds_secret_config);
  Object.assign(config.static_resources.listeners[0] ?? {}, { filter_chains: listener.filter_chains });
}

/** Files as SDS serves them, by the names of the secrets. */
async function writeSecrets(folder: string, own: Pair, authorities: string): Promise<Record<string, string>> {
  const type = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
  const secrets: Tree = {
    default: {
      tls_certificate: { certificate_chain: { inline_string: own.cert }, private_key: { inline_string: own.key } },
    },
    "spiffe://cluster.local": { validation_context: { trusted_ca: { inline_string: authorities } } },
  };
  const files = Object.entries(secrets).map(async ([name, secret], i) => {
    const file = join(folder, `secret${i}.yaml`);
    await writeFile(file, JSON.stringify({ resources: [{ "@type": type, name, ...(secret as Tree) }] }));
    return [name, file] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

/** The status of the answer. Fails where the connection does. */
function send(port: number, options: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({
      hostname: "127.0.0.1",
      port,
      path: "/v1/deploy",
      agent: false,
      timeout: 10_000,
      ...options,
    });
    call.once("timeout", () => call.destroy(new Error("no answer")));
    call.once("error", reject);
    call.once("response", (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    call.end();
  });
}
