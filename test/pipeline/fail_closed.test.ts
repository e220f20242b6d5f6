import fc from "fast-check";
import { loadProtos } from "../../src/grpc/load_protos.js";
import { runsWithin } from "../harness/property.js";
import { type AgentRequest, asEnvoyReads } from "./envoy.js";
import { type Files, startWorld, type World } from "./world.js";

const key = "key-1";
const hashOfKey = "be2974546978e3739e6d6da85c4be9f334ce32df2b9fd4b6ff1b55c0d57e9d44";

/** Everybody may call everything as far as scopes go; policy lets one agent do one thing with one tool. */
const files: Files = {
  tools: [
    {
      name: "deploy-api",
      match: { hosts: ["deploy.internal"], methods: ["POST"], path: "/v1/{action}" },
      action: "{path.action}",
      environment: "{body.environment}",
    },
    { name: "aws", match: { hosts: ["*.aws.internal"], path: "/{service}" }, action: "{path.service}" },
    { name: "deploy-logs", match: { hosts: ["logs.internal"], path: "/v1/deploy" }, action: "deploy", body: "none" },
  ],
  agents: [
    { id: "bot", scopes: ["*:*"], api_keys: [{ sha256: hashOfKey }] },
    {
      id: "other",
      scopes: ["*:*"],
      api_keys: [{ sha256: "7c36b0a9dedde119c75165957c6c9c187e65df1ee5db87c4c58ad503ad88cbe3" }],
    },
  ],
  policies: {
    "bot.yaml": {
      agent: "bot",
      tools: ["deploy-api"],
      actions: [{ name: "deploy", allowed_environments: ["staging"], max_replicas: 5 }],
    },
    "other.yaml": { agent: "other", tools: ["other-api"], actions: [{ name: "deploy" }] },
  },
};

const protos = loadProtos();

let world: World;
beforeEach(async () => {
  world = await startWorld(files);
});
afterEach(() => world.close());

const one = fc.constantFrom;
/** What belongs in a permitted call most of the time, and else anything. */
const mostly = <T>(good: T, ...others: fc.Arbitrary<T>[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, ...others.map((arbitrary) => ({ weight: 1, arbitrary })));

const noise = fc.string({ maxLength: 6, unit: fc.constantFrom(..."aA/.%25e;:@?&=# \\\0é") });
const method = mostly("POST", one("GET", "PUT", "DELETE", "post", "CONNECT", "", "PATCH"));
const host = mostly(
  "deploy.internal",
  one("DEPLOY.internal.", "deploy.internal:443", "x.aws.internal", "logs.internal", "127.1", "deploy.internal@x", ""),
  noise,
  noise.map((text) => `deploy.internal${text}`),
);
const path = mostly(
  "/v1/deploy",
  one(
    "/v1/%64eploy",
    "/v1/scale",
    "/V1/deploy",
    "/v1/deploy/",
    "/v1//deploy",
    "/v1/x/../deploy",
    "/v1/deploy?replicas=9",
  ),
  noise.map((text) => `/v1/${text}`),
  noise.map((text) => `/v1/deploy${text}`),
);
const body = mostly(
  '{"environment":"staging","replicas":3}',
  one(
    '{"environment":"staging"}',
    '{"environment":"production","replicas":3}',
    '{"environment":"staging","replicas":6}',
    '{"environment":"staging","replicas":3,"replicas":9}',
    '{"environment":"staging","replicas":"3"}',
    "environment=staging&replicas=3",
    "",
    "{}",
  ),
  fc.json({ maxDepth: 2 }),
  noise,
);
const credential = mostly<[string, string][]>(
  [["x-api-key", key]],
  one<[string, string][]>(
    [],
    [["x-api-key", "key-2"]],
    [["x-api-key", "key-3"]],
    [
      ["x-api-key", key],
      ["x-api-key", key],
    ],
    [
      ["X-Api-Key", key],
      ["authorization", "Bearer nonsense"],
    ],
    [["authorization", `Bearer ${key}`]],
  ),
);
const contentType = mostly("application/json", one("text/plain", "", "application/x-www-form-urlencoded"), noise);
const extra = fc.array(
  fc.tuple(
    one(
      "x-note",
      "x-http-method-override",
      "content-encoding",
      "transfer-encoding",
      "upgrade",
      "host",
      "x-countersign-override",
      "x-countersign-decision",
      "x-envoy-auth-partial-body",
      "content-length",
      "bad name",
    ),
    fc.oneof(one("1", "gzip", "chunked", "GET", "deploy.internal", "allow", ""), noise),
  ),
  { maxLength: 2 },
);
const sparse = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: extra });

const requests: fc.Arbitrary<AgentRequest> = fc
  .record({
    method,
    host,
    path,
    body,
    credential,
    contentType,
    extra: sparse,
    scheme: mostly("https", one("http", "ftp", "")),
  })
  .map(({ credential, contentType, extra, body, ...rest }) => ({
    ...rest,
    id: "stream-1",
    body: Buffer.from(body),
    headers: [...credential, ["content-type", contentType], ...extra],
  }));

/** By other means than the pipeline's: is this the one call that is permitted, in one of its spellings? */
function isPermitted({ method, host, path, headers, body }: AgentRequest): boolean {
  const credentials = headers.filter(([name]) => /^(x-api-key|authorization)$/i.test(name));
  const url = new URL(`https://${host}${path}`);
  const json = JSON.parse(body.toString()) as { environment?: unknown; replicas?: unknown };
  return (
    method === "POST" &&
    credentials.length === 1 &&
    credentials[0]?.[1] === key &&
    // The catalogue names no port, so any will do; a dot at the end names the same host.
    url.hostname.replace(/\.$/, "") === "deploy.internal" &&
    url.username === "" &&
    decodeURIComponent(url.pathname) === "/v1/deploy" &&
    !url.searchParams.has("replicas") &&
    json.environment === "staging" &&
    (json.replicas === undefined || (typeof json.replicas === "number" && json.replicas <= 5)) &&
    body.toString().split('"replicas"').length <= 2
  );
}

test("whatever is asked, only the one permitted call passes, and every answer has its record", async () => {
  const seen = { passed: 0, denied: 0 };
  const reasons = new Set<unknown>();
  await fc.assert(
    fc.asyncProperty(
      requests,
      runsWithin(12_000, async (request) => {
        const told = await world.ask(request);
        reasons.add(told.metadata.reason);
        if (told.ok === null) {
          seen.denied += 1;
          expect(told.metadata.enforced).toBe("deny");
          expect(told.status).not.toBe(503);
          return;
        }
        seen.passed += 1;
        expect(told.metadata).toMatchObject({
          decision: "allow",
          agent_id: "bot",
          tool: "deploy-api",
          action: "deploy",
        });
        expect(isPermitted(request)).toBe(true);
      }),
    ),
    { numRuns: 3_000 },
  );
  // Both sides were met, each in many ways.
  expect(seen.passed).toBeGreaterThan(20);
  expect(seen.denied).toBeGreaterThan(100);
  expect(reasons.size).toBeGreaterThan(15);
  const records = await world.records();
  expect(records).toHaveLength(seen.passed + seen.denied);
  expect(records.filter(({ enforced }) => enforced === "allow")).toHaveLength(seen.passed);
});

const text = fc.oneof(noise, fc.string({ unit: "binary", maxLength: 20 }));
const headerName = fc.oneof(one("x-api-key", ":path", ":method", "content-length", "host", "__proto__"), text);
const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array));
/** What the wire can carry and no Envoy sends: parts missing, in two forms, contradicting each other, beyond UTF-8. */
const attributes = fc.record(
  {
    id: mostly("1", one(""), text),
    method,
    host: mostly("deploy.internal", text),
    path: mostly("/v1/deploy", text),
    scheme: mostly("https", text),
    query: mostly("", text),
    fragment: mostly("", text),
    // The agent that may do nothing, so that a call without fault is denied as well.
    headers: mostly<Record<string, string>>(
      { "x-api-key": "key-2", "content-type": "application/json" },
      fc.dictionary(headerName, fc.oneof(one(key, "/v1/deploy", "POST"), text), { maxKeys: 4 }),
    ),
    header_map: fc.record({
      headers: fc.array(fc.record({ key: headerName, value: text, raw_value: bytes }, { requiredKeys: [] }), {
        maxLength: 4,
      }),
    }),
    size: fc.oneof(one("-1", "0", "2"), fc.maxSafeInteger().map(String)),
    body: fc.oneof(body, text),
    raw_body: fc.oneof(
      body.map((json) => Buffer.from(json)),
      bytes,
    ),
  },
  { requiredKeys: ["id", "method", "host", "path", "scheme"] },
);
const questions = fc.oneof(
  { weight: 1, arbitrary: one<object>({}, { attributes: {} }, { attributes: { request: {} } }) },
  { weight: 20, arbitrary: attributes.map((http) => ({ attributes: { request: { http } } })) },
);

test("a question that no Envoy asks is denied, and recorded", async () => {
  let asked = 0;
  const reasons = new Set<unknown>();
  await fc.assert(
    fc.asyncProperty(
      questions,
      runsWithin(6_000, async (question) => {
        asked += 1;
        const told = asEnvoyReads(await world.decide(protos.decodeRequest(protos.encodeRequest(question))));
        reasons.add(told.metadata.reason);
        expect(told.ok).toBeNull();
        expect(told.status).toBeGreaterThanOrEqual(400);
        expect(told.status).toBeLessThan(500);
        expect(told.metadata.enforced).toBe("deny");
      }),
    ),
    { numRuns: 2_000 },
  );
  for (const met of ["malformed_request", "malformed_header", "body_missing"]) expect(reasons).toContain(met);
  expect(await world.records()).toHaveLength(asked);
});
