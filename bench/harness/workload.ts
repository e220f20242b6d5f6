import { createPublicKey, type JsonWebKey, randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { issueToken } from "../../src/identify/issue.js";
import { generateKey, writeKeyFile } from "../../src/keys/keys.js";
import { type SigningKey, signingKeyOf } from "../../src/keys/signing_key.js";

/** How many agents there are, and how much is said of each. */
export interface Size {
  agents: number;
  /** Further `max_*` rules of the called action, beside the six of every policy. Default 0. */
  rules?: number;
}

export const defaultSize: Size = { agents: 200 };

export const digest = "sha256:7173b809ca12ec5dee4506cd86be934c4596dd234ee82c0662eac04a8c2c71dc";
export const pattern = "[a-z][a-z0-9-]{1,62}";
export const maxReplicas = 50;
const scope = "deploy-api:*";
export const audience = "countersign";
/** What the tokens name as their issuer; nothing listens there. */
export const issuerUrl = "http://countersign.bench";

export const agentName = (n: number): string => `agent-${n}`;

/** One request of an agent. What is left out is as in the call that all policies allow. */
export interface BenchCall {
  agent: string;
  token: string;
  method?: string;
  path?: string;
  host?: string;
  body?: object;
}

/** The body of the call that all policies allow, varied by `n`. */
export function allowedBody(n: number): object {
  const service = `${["checkout", "search", "billing", "mail-out", "cart"][n % 5]}-${n % 7}`;
  const image = `registry.internal/${service}@${digest}`;
  return { environment: "staging", service, image, replicas: 1 + (n % maxReplicas), note: "a release of the day" };
}

/** Envoy's question about a call, as `CheckRequest` of ext_authz v3. */
export function checkOf(call: BenchCall, id: string = randomUUID()): object {
  const { method = "POST", path = "/v1/deploy", host = "deploy.internal" } = call;
  const body = JSON.stringify(call.body ?? allowedBody(0));
  const size = String(Buffer.byteLength(body));
  const headers = {
    ...{ ":method": method, ":path": path, ":authority": host, ":scheme": "http" },
    ...{ authorization: `Bearer ${call.token}`, "x-agent-id": call.agent },
    ...{ "content-type": "application/json", "content-length": size, accept: "*/*", "user-agent": "agent/1" },
    ...{ "x-request-id": id, "x-forwarded-proto": "http" },
  };
  const address = (ip: string, port: number) => ({ address: { socket_address: { address: ip, port_value: port } } });
  const http = { id, method, path, host, scheme: "http", protocol: "HTTP/1.1", size, headers, body };
  const source = address("10.0.0.9", 50123);
  return { attributes: { source, destination: address("10.0.0.1", 10000), request: { http } } };
}

/** The policy of one agent: six rules and its limits. */
export function policyOf(agent: string, { rules = 0 }: Omit<Size, "agents"> = {}, replicas = maxReplicas): string {
  const more = Array.from({ length: rules }, (_, i) => `    max_p${i}: 50\n`).join("");
  return `agent: ${agent}
tools: [deploy-api]
actions:
  - name: deploy
    allowed_environments: [staging, production]
    approval_needed: env == "production"
    allowed_images: [{digest: "${digest}"}]
    max_replicas: ${replicas}
    params:
      service: {type: string, pattern: "${pattern}", required: true}
      replicas: {type: number, required: true}
${more}limits: {rate: 1000000/s, burst: 1000000, daily_budget: 1000000000}
`;
}

export const toolsFile = `tools:
  - name: deploy-api
    match: {hosts: [deploy.internal], methods: [POST], path: "/v1/{action}"}
    protocol: http
    action: "{path.action}"
    environment: "{body.environment}"
    params: "{body}"
    classification: [config]
`;

/** The files of a server, and who may call it. */
export interface Workload {
  folder: string;
  size: Size;
  /** The public key of the tokens, as a JWK. */
  issuer: object;
  /** One for each agent, each with a session of its own. */
  tokens: string[];
}

/** Writes files of a server without its configuration: policies, tools, agents, people and keys but the one of records. */
export async function writeWorkload(folder: string, size: Size = defaultSize): Promise<Workload> {
  const names = Array.from({ length: size.agents }, (_, n) => agentName(n));
  await mkdir(join(folder, "policies"), { recursive: true });
  await mkdir(join(folder, "var"), { recursive: true, mode: 0o700 });
  for (const name of names) await writeFile(join(folder, "policies", `${name}.yaml`), policyOf(name, size));
  await writeFile(join(folder, "tools.yaml"), toolsFile, { mode: 0o640 });
  const agents = names.map((id) => `  - {id: ${id}, model: some-model-1, scopes: ["${scope}"]}\n`).join("");
  await writeFile(join(folder, "agents.yaml"), `agents:\n${agents}`, { mode: 0o640 });
  await writeFile(join(folder, "people.yaml"), "people: []\n", { mode: 0o640 });
  const jwk = generateKey("OKP", "issuer");
  await writeKeyFile(join(folder, "var", "issuer.jwk"), jwk);
  await writeKeyFile(join(folder, "var", "approvals.jwk"), generateKey("OKP", "approvals"));
  await writeKeyFile(join(folder, "var", "attestation.jwk"), generateKey("OKP", "attestation"));
  const key = await signingKeyOf(jwk);
  const tokens = await Promise.all(names.map((name) => tokenOf(name, key)));
  const { kty, crv, x } = createPublicKey({ key: jwk as JsonWebKey, format: "jwk" }).export({ format: "jwk" });
  return { folder, size, issuer: { kty, crv, x, kid: key.kid, alg: key.alg }, tokens };
}

/** A token of an agent for the next hour, bound to a session. */
export function tokenOf(agent: string, key: SigningKey): Promise<string> {
  const [id, session] = [randomUUID(), randomUUID()];
  const lasting = { ttlMs: 3_600_000, maxTtlMs: 3_600_000, now: Date.now() };
  const who = { agent: { id: agent, model: "some-model-1" }, session_id: `ses_${session}`, id };
  return issueToken({ key, issuer: issuerUrl, audience, scope, ...who, ...lasting });
}

/** The n-th allowed call: all agents in turn. */
export function allowedCall({ tokens }: Pick<Workload, "tokens">, n: number): BenchCall {
  const at = n % tokens.length;
  return { agent: agentName(at), token: tokens[at] as string, body: allowedBody(n) };
}
