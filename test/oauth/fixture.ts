import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CryptoKey, decodeJwt, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import type { AdminRecord } from "../../src/audit/record.js";
import { type TrustedIssuer, trusted as trustedSchema } from "../../src/config/trusted.js";
import { trustedIssuers } from "../../src/issuers/trusted.js";
import { generateKey, type SigningKey } from "../../src/keys/keys.js";
import { signingKeyOf } from "../../src/keys/signing_key.js";
import { type OAuthDeps, type OAuthService, oauthService } from "../../src/oauth/service.js";
import { loadRegistry } from "../../src/registry/load.js";
import type { Registry } from "../../src/registry/registry.js";
import { memoryRegistry } from "../../src/store/memory_registry.js";
import type { SharedRegistry } from "../../src/store/shared_registry.js";
import { hash, Records } from "../approvals/fixture.js";
import { type Answer, type Api, api } from "../http/fixture.js";

export const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
export const tokenType = (name: string) => `urn:ietf:params:oauth:token-type:${name}`;

/** An API key with every character that has a meaning in forms, in base64 or in the Basic scheme. */
export const oddKey = "k:e+y/=&%25;~'()*!\"\\<>{}|^`";

const agents = `agents:
  - {id: deploy-manager, model: some-model-1, scopes: ["deploy-api:*", "logs:read"], api_keys: [{sha256: ${hash("key-1")}}]}
  - {id: "team/odd:agent@1", scopes: ["deploy-api:deploy"], api_keys: [{sha256: ${hash(oddKey)}}]}
  - {id: plain, scopes: ["*:*"], api_keys: [{sha256: ${hash("key-plain")}}]}
  - {id: idle, api_keys: [{sha256: ${hash("key-idle")}}]}
  - {id: retired, disabled: true, scopes: ["*:*"], api_keys: [{sha256: ${hash("key-retired")}}]}
`;
const people = `people:
  - {id: alice@example.com, aliases: [alice], role: platform-lead, clearance: tier-1}
`;

/** The registry of the tests; `more` are further agents in YAML. */
export function registryWith(more = ""): Registry {
  return loadRegistry({
    agents: { file: "agents.yaml", text: agents + more },
    people: { file: "people.yaml", text: people },
  });
}

export const ciIssuer = "https://ci.example";
export const ciAudience = "countersign-exchange";

/** An entry of `identity.trusted` for the CI system of the tests. */
export const entry = {
  for: "exchange",
  issuer: ciIssuer,
  audience: ciAudience,
  algorithms: ["ES256"],
  agent: "deploy-manager",
  when: 'claims.repository == "acme/shop"',
  claims: { session_id: "run_id", workflow_run_id: "run_id", initiated_by: "actor" },
} as const;

/** An authorization server that can be asked over HTTP, with a CI system that it trusts. */
export interface Authority {
  api: Api;
  service: OAuthService;
  nowMs: number;
  records: Records;
  store: SharedRegistry;
  key: SigningKey;
  registry: Registry;
  /** Base URL of the API. */
  url: string;
  /** A token of the CI system; `claims` over those of a job on the main branch that alice has started. */
  ciToken(claims?: JWTPayload): Promise<string>;
  post(form: Record<string, string> | string, headers?: Record<string, string>, path?: string): Promise<Answer>;
  /** An exchange of a new token of the CI system, or of `subject_token`. */
  exchange(form?: Record<string, string>, claims?: JWTPayload): Promise<Answer>;
  /** What was recorded of tokens. */
  recorded(): AdminRecord[];
  /** Claims of the token in an answer. */
  claims(answer: Answer): JWTPayload & Record<string, unknown>;
  close(): Promise<void>;
}

export interface AuthorityOptions {
  /** Whose tokens the entries are about; a CI system of its own by default. */
  ci?: CiSystem;
  entries?: readonly object[];
  key?: SigningKey;
  issuer?: Partial<OAuthDeps["issuer"]>;
  oauth?: Partial<Pick<OAuthDeps, "publicUrl" | "publishedKeys" | "registryStore" | "trusted" | "revocations">>;
}

export const issuerUrl = "http://127.0.0.1:9192";

export async function authority(options: AuthorityOptions = {}): Promise<Authority> {
  const ci = options.ci ?? (await ciSystem());
  const key = options.key ?? (await signingKeyOf(generateKey("OKP", "issuer")));
  const records = new Records();
  let ids = 0;
  const runtime = {
    now: () => here.nowMs,
    monotonicMicros: () => here.nowMs * 1000,
    id: () => `01KJMK0000000000000000${String(++ids).padStart(4, "0")}`,
    random: (bytes: number) => new Uint8Array(bytes),
  };
  const store = options.oauth?.registryStore ?? memoryRegistry(runtime);
  const service = oauthService({
    registry: () => here.registry,
    registryStore: store,
    trusted: trustedIssuers(entriesOf(options.entries ?? [entry], ci.jwks), { runtime }),
    revocations: { fresh: async () => {} },
    sessionTtlMs: 86_400_000,
    audit: records,
    runtime,
    publicUrl: "http://127.0.0.1:9192/",
    publishedKeys: [],
    ...options.oauth,
    issuer: {
      url: issuerUrl,
      audience: "countersign",
      ttlMs: 900_000,
      maxTtlMs: 3_600_000,
      key,
      acceptedKeys: [],
      ...options.issuer,
    },
  });
  const made = await api({ oauth: service });
  const here: Authority = {
    api: made,
    service,
    nowMs: Date.parse("2026-03-01T14:22:00Z"),
    records,
    store,
    key,
    registry: registryWith(),
    url: `http://${made.host}:${made.port}`,
    ciToken: (claims) => ci.token(here.nowMs, claims),
    post: (form, headers = {}, path = "/oauth2/token") =>
      made.send({
        method: "POST",
        url: path,
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
        payload: typeof form === "string" ? form : new URLSearchParams(form).toString().replaceAll("*", "%2A"),
      }),
    async exchange(form = {}, claims = {}) {
      const subject = { subject_token: await here.ciToken(claims), subject_token_type: tokenType("id_token") };
      return here.post({ grant_type: exchangeGrant, ...subject, ...form });
    },
    recorded: () => records.kept.filter((record) => record.kind === "admin"),
    claims: (answer) => decodeJwt(answer.json().access_token),
    async close() {
      await made.app.close();
      await ci.close();
    },
  };
  return here;
}

/** Entries as the configuration would give them, with the keys of the CI system. */
function entriesOf(entries: readonly object[], jwks: string): TrustedIssuer[] {
  return trustedSchema.parse(entries.map((one) => ({ jwks, ...one })));
}

export type CiSystem = Awaited<ReturnType<typeof ciSystem>>;

/** Another system, made with nothing of ours: it signs tokens and keeps its keys in a file. */
export async function ciSystem(alg: "ES256" | "RS256" = "ES256") {
  const folder = await mkdtemp(join(tmpdir(), "countersign-ci-"));
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const jwks = join(folder, "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "ci-1", alg, use: "sig" }] }));
  return {
    jwks,
    token: (nowMs: number, claims: JWTPayload = {}) => signed(privateKey, alg, nowMs, claims),
    close: () => rm(folder, { recursive: true }),
  };
}

function signed(key: CryptoKey, alg: string, nowMs: number, claims: JWTPayload): Promise<string> {
  const iat = Math.floor(nowMs / 1000);
  const job = {
    iss: ciIssuer,
    sub: "repo:acme/shop:ref:refs/heads/main",
    aud: ciAudience,
    iat,
    exp: iat + 300,
    jti: "ci-jti-1",
    repository: "acme/shop",
    ref: "refs/heads/main",
    run_id: "4711",
    actor: "alice",
  };
  return new SignJWT({ ...job, ...claims }).setProtectedHeader({ alg, kid: "ci-1", typ: "JWT" }).sign(key);
}

export const basic = (id: string, secret: string, encode = encodeForm) => ({
  authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`,
});

/** As RFC 6749 section 2.3.1 wants both parts. */
function encodeForm(text: string): string {
  return new URLSearchParams({ x: text }).toString().slice(2);
}
